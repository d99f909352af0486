"""Training in Python: `train` and `search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from mnist_mlflow.errors import UsageError
from mnist_mlflow.jobs.api.keywords import Address, with_options
from mnist_mlflow.protocol import DataOptions, ReuseOptions, SearchOptions, SeedsOptions
from mnist_mlflow.types import silent

if TYPE_CHECKING:
    from mnist_mlflow.jobs.recording import RunResult
    from mnist_mlflow.jobs.seeds import SeedsResult


@overload
def train(
    algorithm: str,
    *,
    seeds: Sequence[int],
    workers: int = ...,
    cluster: str = ...,
    data: Address = ...,
    split_seed: int = ...,
    train_size: int = ...,
    max_error: float = ...,
    needed: bool = ...,
    **hyperparameters: Any,
) -> SeedsResult: ...


@overload
def train(
    algorithm: str,
    *,
    data: Address = ...,
    split_seed: int = ...,
    train_size: int = ...,
    seed: int = ...,
    max_error: float = ...,
    needed: bool = ...,
    **hyperparameters: Any,
) -> RunResult: ...


@with_options(DataOptions, SeedsOptions, ReuseOptions, SearchOptions)
def train(
    algorithm: str,
    *,
    data: Address = "auto",
    split_seed: int = 0,
    train_size: int = 0,
    seed: int = 0,
    seeds: Sequence[int] = (),
    workers: int = 1,
    cluster: str = "",
    max_error: float = 0.001,
    needed: bool = False,
    **hyperparameters: Any,
) -> RunResult | SeedsResult:
    """Train one algorithm in a run of its own, as its command does.

    The run is in the experiment `mnist-digits`, unless `mlflow.set_experiment` or MLFLOW_EXPERIMENT_NAME names another.

    Returns a result:

        run_id, model_uri   what MLflow finds the run and its model by
        metrics             floats by name: val_accuracy and other shares from 0 to 1, val_log_loss in nats,
                            fit_seconds, predict_ms_per_image (milliseconds), model_mb (megabytes)
        params              the options and hyperparameters by name, as text

    With several `seeds` it has `run_id`, `metrics` over all of them, and `seeds`, the result of each.

    Raises UsageError, before there is a run, for an algorithm, an option or a value that is not accepted. Raises
    UserFacingError where the data or the store cannot be used, or the algorithm cannot learn.

        >>> import mnist_mlflow
        >>> run = mnist_mlflow.train("knn", data="digits", train_size=200, n_neighbors=3)
        >>> run.metrics["val_accuracy"] > 0.9
        True
    """
    settings = _settings(locals())
    if not seeds:
        del settings["seeds"]
        return _train(algorithm, settings, needed)
    from mnist_mlflow.jobs.seeds import SeedsTask, train_seeds

    return train_seeds(SeedsTask.from_settings(algorithm, settings), silent, needed)


@with_options(DataOptions, SearchOptions, ReuseOptions)
def search(
    algorithm: str,
    *,
    trials: int = 0,
    timeout: float = 0.0,
    workers: int = 1,
    study: str = "auto",
    objective: str = "log_loss",
    cluster: str = "",
    data: Address = "auto",
    split_seed: int = 0,
    train_size: int = 0,
    seed: int = 0,
    max_error: float = 0.001,
    needed: bool = False,
    **hyperparameters: Any,
) -> RunResult:
    """Search for hyperparameters of one algorithm, then train with the best, as its command does.

    It ends after so many `trials`, or after `timeout` seconds. The tuning slice of the training images scores trials.
    Hyperparameters that are named stay as they are. The run is in the experiment that `train` names, with its trials.

    Returns what `train` returns. Its `params` are the best that were found. Its `resume_command` goes on with the
    search, where there is more to try.

    Raises UsageError, before there is a run, for an algorithm, an option or a value that is not accepted. Raises
    UserFacingError where the data or the stores cannot be used, or all trials fail.

        >>> import mnist_mlflow
        >>> run = mnist_mlflow.search("knn", trials=2, data="digits", train_size=200)
        >>> 1 <= int(run.params["n_neighbors"]) <= 20
        True
    """
    if not trials and not timeout:
        raise UsageError("A search needs an end: add trials=30, or timeout=600 (seconds).")
    return _train(algorithm, _settings(locals()), needed)


def _settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options and the hyperparameters among the arguments of a training."""
    others = ("algorithm", "needed", "hyperparameters")
    return {**{name: arguments[name] for name in arguments if name not in others}, **arguments["hyperparameters"]}


def _train(algorithm: str, settings: Mapping[str, Any], needed: bool) -> RunResult:
    from mnist_mlflow.algorithms.task import Task
    from mnist_mlflow.jobs import reuse, train

    start = reuse.train_if_needed if needed else train.train
    return start(Task.from_settings(algorithm, settings), silent)
