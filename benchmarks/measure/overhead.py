"""All that is not learning: starting, tracking, and the trials of a search."""

from statistics import median
from typing import Any

import click

from benchmarks.measure.store import Store
from benchmarks.process import run_python, run_task, timed

STARTS = 5
STUBBED = 60  # trials whose learning takes no time
KNN_RUN = """
import sys
from mnist_mlflow.cli.commands import main
sys.argv = ["mnist-mlflow", "knn", "--data", "digits"]
main()
print("tensorflow" in sys.modules)
"""


def measure_overhead(store: Store) -> dict[str, Any]:
    """Seconds to start, whether a kNN run imports TensorFlow, the cost of tracking by model, and that of a trial."""
    store.fill()
    click.echo("overhead")
    return {
        "import_seconds": _start_seconds("-c", "import mnist_mlflow"),
        "help_seconds": _start_seconds("-m", "mnist_mlflow", "--help"),
        "knn_imports_tensorflow": knn_imports_tensorflow(store),
        "tracking_seconds": {name: model["metrics"]["tracking_seconds"] for name, model in store.models().items()},
        "trial": run_task("searches.trial_overhead", trials=STUBBED),
    }


def _start_seconds(*arguments: str) -> float:
    return median(timed(lambda: run_python(*arguments))[1] for _ in range(STARTS))


def knn_imports_tensorflow(store: Store) -> bool:
    """True if a tracked run of kNN on the bundled digits has imported TensorFlow when it ends."""
    environment = store.environment | {"MLFLOW_TRACKING_URI": f"sqlite:///{store.folder}/digits.db"}
    printed = run_python("-c", KNN_RUN, **environment)
    return printed.split()[-1] == "True"
