"""A store to look at, filled by the commands that people type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SMALL = ("--data", "digits", "--train_size", "500")
COMMANDS = (
    ("main", *SMALL),
    ("knn", *SMALL, "--n_neighbors", "3", "--weights", "uniform"),
    ("svm", *SMALL, "--C", "1", "--seed", "2"),
    ("logistic", *SMALL, "--trials", "6"),
    ("report", "--out", "{folder}/report.html"),
)
ALGORITHMS = ("cnn", "forest", "knn", "logistic", "mlp", "svm", "xgboost")


def fill(store: str) -> None:
    """Train all algorithms into a store of SQLite, search, select and report."""
    folder = Path(store.removeprefix("sqlite:///")).parent
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store, "OPTUNA_STORAGE": f"sqlite:///{folder}/optuna.db"}
    for variable in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        environment.pop(variable, None)
    for words in COMMANDS:
        command = [sys.executable, "-m", "mnist_mlflow", *(word.format(folder=folder) for word in words)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
