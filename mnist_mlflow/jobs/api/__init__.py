"""The Python API: the functions that `mnist_mlflow` exports, each of which does what the command of its name does.

They ask the store that the commands ask, with which MLflow stays connected, and leave the same runs. Options have the
names, the defaults and the meaning that they have there. The functions print nothing, and log their warnings.
training.py has `train` and `search`, choosing.py `select` and `compare`, asking.py `load`, `read` and `evaluate`.
keywords.py makes keyword arguments of options.
"""

from mnist_mlflow.jobs.api.asking import evaluate, load, read
from mnist_mlflow.jobs.api.choosing import compare, select
from mnist_mlflow.jobs.api.training import search, train

__all__ = ["compare", "evaluate", "load", "read", "search", "select", "train"]
