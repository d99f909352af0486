"""Every algorithm learns the same in every process, on a cold or warm cache; most do on any number of threads."""

import subprocess
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from mnist_mlflow.algorithms.base import algorithm_names, tolerance_of
from tests.conftest import HAS_TENSORFLOW, start_python

TRAIN = """
import sys
import numpy as np
from mnist_mlflow.algorithms.base import get_algorithm, train_model
from mnist_mlflow.data import load_dataset

small = {
    "mlp": {"epochs": 2, "units": 32},
    "cnn": {"epochs": 1, "filters": 4},
    "forest": {"n_estimators": 20},
    "xgboost": {"rounds": 20},
}
digits, probabilities = load_dataset("digits", train_size=200), {}
for name in NAMES:
    algorithm = get_algorithm(name)
    trained = train_model(algorithm, algorithm.Params(**small.get(name, {})), digits.train, digits.tuning, 0)
    probabilities[name] = trained.model.predict_proba(digits.validation.images)
np.savez(FILE, **probabilities)
"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
NAMES = [name for name in algorithm_names() if HAS_TENSORFLOW or name not in ("mlp", "cnn")]
THREADED = [name for name in NAMES if name in ("mlp", "cnn", "xgboost")]  # which might add in another order each time
INDIFFERENT = [name for name in NAMES if name != "cnn"]  # which says that another number of threads matters


def code(folder: Path, variant: str, names: list[str]) -> str:
    return TRAIN.replace("NAMES", repr(names)).replace("FILE", repr(str(folder / f"{variant}.npz")))


def start(folder: Path, variant: str, names: list[str]) -> "subprocess.Popen[str]":
    """A process with two threads for each library."""
    variables = dict.fromkeys(THREADS, "2")  # which tests/__init__.py has set to one
    variables |= {"OMP_WAIT_POLICY": "PASSIVE", "XDG_CACHE_HOME": str(folder / "cache")}  # idle threads sleep
    return start_python(code(folder, variant, names), folder, **variables)


def test_processes_caches_and_threads_do_not_matter(tmp_path: Path) -> None:
    processes = []
    try:
        processes.append(start(tmp_path, "cold", NAMES))
        assert processes[0].wait(timeout=200) == 0
        processes.append(start(tmp_path, "warm", THREADED))
        with threadpool_limits(1):  # as tests/__init__.py has set all of this process
            exec(code(tmp_path, "one thread", INDIFFERENT), {})
        assert processes[1].wait(timeout=200) == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    cold, warm, one = (np.load(tmp_path / f"{variant}.npz") for variant in ("cold", "warm", "one thread"))
    assert {name: np.array_equal(cold[name], warm[name]) for name in THREADED} == dict.fromkeys(THREADED, True)
    for name in INDIFFERENT:
        assert np.abs(cold[name] - one[name]).max() <= tolerance_of(name), name
