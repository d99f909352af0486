"""A tracking store of the benchmark's own, filled by the entry points."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.process import data_folder, run_python, run_task
from benchmarks.targets import ALGORITHMS, name_run


@dataclass(frozen=True)
class Store:
    """A store in a folder, and how many images the runs in it learn from (0: all)."""

    folder: Path
    train_size: int

    @property
    def uri(self) -> str:
        """Its address."""
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make commands use this store, and keep features in it."""
        return {"MLFLOW_TRACKING_URI": self.uri, "XDG_CACHE_HOME": str(self.folder / "cache")}

    def run(self, *arguments: str) -> None:
        """Run a command of the package, with this store as the tracking store."""
        click.echo(f"in a store: {' '.join(arguments)}")
        environment = self.environment | {"MNIST_MLFLOW_DATA_DIR": data_folder()}
        run_python("-m", "mnist_mlflow", *arguments, **environment)

    def train(self, algorithm: str, *options: str) -> None:
        """Train an algorithm in a run of its own."""
        self.run(algorithm, "--data", "mnist", "--train_size", str(self.train_size), *options)

    def models(self) -> dict[str, dict[str, Any]]:
        """The models in it, as `tasks.models.logged` describes them, the oldest first."""
        if not (self.folder / "mlflow.db").exists():
            return {}
        models: dict[str, dict[str, Any]] = run_task("models.logged", store=self.uri)
        return models

    def fill(self) -> None:
        """Train each algorithm that has no model in it yet."""
        self.train_missing((algorithm, {}) for algorithm in ALGORITHMS)

    def train_missing(self, runs: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Train algorithms with parameters, but for those that have a model in it already."""
        models = self.models()
        for algorithm, params in runs:
            if name_run(algorithm, params) not in models:
                self.train(algorithm, *(f"--{name}={value}" for name, value in params.items()))
