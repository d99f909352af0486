"""One trial at a time: what is measured, reported, pruned and written down."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from mnist_mlflow.algorithms import base, logistic, mlp, xgboost
from mnist_mlflow.data import Dataset
from mnist_mlflow.search import runner
from mnist_mlflow.search.pruning import RUNGS, WHOLE
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.records import TrialRecord
from mnist_mlflow.search.runner import run_trial
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.types import Part
from tests.searches import before_fit, specify

NETWORK = {"epochs": 3, "units": 32, "hidden_layers": 1, "features": "pixels", "batch_size": 128, "dropout": 0.0}
EARLY, MIDDLE = sorted(RUNGS)


def attempt(spec: SearchSpec, dataset: Dataset) -> TrialRecord:
    """One trial, as the study knows it afterwards."""
    queue = TrialQueue(spec)
    trial = queue.next()
    assert trial
    run_trial(trial, queue, dataset)
    return queue.records()[-1]


def test_a_trial_is_scored_on_the_tuning_slice(digits: Dataset, folder: Path) -> None:
    record = attempt(specify(folder), digits)
    assert record.state == "complete"
    assert record.values == [record.metrics["tuning_log_loss"]]
    assert record.metrics["tuning_accuracy"] > 0.9
    assert record.seconds
    assert 0 < record.start_ms <= record.end_ms
    assert len(record.losses) == len(digits.tuning)
    assert np.mean(~np.signbit(record.losses)) == record.metrics["tuning_accuracy"]


def test_a_warning_names_its_trial(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("mnist_mlflow.algorithms.knn")
    before_fit(monkeypatch, lambda number: logger.warning("it has not converged in %d steps", 5))
    attempt(specify(folder), digits)
    logger.warning("afterwards")
    assert [record.getMessage() for record in caplog.records] == [
        "trial 0: it has not converged in 5 steps",
        "afterwards",
    ]


def test_only_the_training_images_teach_and_only_the_tuning_slice_scores(digits: Dataset, folder: Path) -> None:
    blind = Dataset(**{**vars(digits), "validation": None, "test": None})
    assert attempt(specify(folder), blind).state == "complete"


@pytest.mark.parametrize(("objective", "goals"), [("accuracy", 1), ("log_loss,latency", 2)])
def test_other_objectives(digits: Dataset, folder: Path, objective: str, goals: int) -> None:
    values = attempt(specify(folder, objective=objective), digits).values
    assert len(values) == goals
    assert all(0 < value < 100 for value in values)


def test_a_process_that_was_taken_for_dead_goes_on_with_another_trial(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specify(folder)
    others = TrialQueue(spec)

    def sleep(number: int) -> None:
        if number == 0:
            others.study.tell(0, state=TrialState.FAIL)

    before_fit(monkeypatch, sleep)
    assert attempt(spec, digits).was_killed
    record = attempt(spec, digits)
    assert (record.state, record.repeats) == ("complete", 0)


TREES = {"rounds": 16, "features": "pixels"}


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters", "shares"),
    [(mlp, NETWORK, [EARLY]), (xgboost, TREES, [EARLY]), (logistic, {"max_iter": 20}, [EARLY, MIDDLE])],
)
def test_a_trial_is_judged_by_shares_of_the_images_and_in_the_middle_of_its_steps_if_it_has_any(
    digits: Dataset,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: Any,
    hyperparameters: dict[str, Any],
    shares: list[int],
) -> None:
    monkeypatch.setattr(runner, "SMALLEST_SHARE", 20)
    sizes = learned_sizes(monkeypatch)
    name = algorithm.__name__.rpartition(".")[2]
    record = attempt(specify(folder, name, hyperparameters), digits)
    assert [rung for rung, _ in record.rungs] == sorted(RUNGS)
    images = len(digits.train)
    assert sizes == [*((images * share // WHOLE, 20) for share in shares), (images, len(digits.tuning))]
    (_, early), (_, middle) = record.rungs
    assert record.values[0] < middle < early


def learned_sizes(patch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The numbers of images that teach and judge, each time that an algorithm learns."""
    sizes: list[tuple[int, int]] = []
    real = base.train_model

    def train_model(algorithm: Any, params: Any, train: Part, tuning: Part, *rest: Any) -> Any:
        sizes.append((len(train), len(tuning)))
        return real(algorithm, params, train, tuning, *rest)

    patch.setattr(runner, "train_model", train_model)
    return sizes


def test_shares_of_few_images_are_passed_over(digits: Dataset, folder: Path) -> None:
    assert attempt(specify(folder, "logistic", {"max_iter": 20}), digits).rungs == []


def test_a_laggard_is_pruned_at_a_rung_and_has_the_metrics_of_that_rung(digits: Dataset, folder: Path) -> None:
    attempt(specify(folder, "mlp", NETWORK), digits)
    record = attempt(specify(folder, "mlp", NETWORK | {"learning_rate": 1e-6}), digits)
    assert record.state == "pruned"
    assert record.rungs == [(MIDDLE, record.metrics["tuning_log_loss"])]


def test_without_pruning_nothing_is_judged_on_the_way_and_the_same_is_learned(digits: Dataset, folder: Path) -> None:
    judged = attempt(specify(folder, "mlp", NETWORK), digits)
    alone = attempt(dataclasses.replace(specify(folder, "mlp", NETWORK), study="alone", prune=False), digits)
    assert [rung for rung, _ in judged.rungs] == [MIDDLE]
    assert alone.rungs == []
    assert (alone.losses == judged.losses).all()


@pytest.mark.parametrize("error", [MemoryError("no memory left"), ValueError("does not converge"), RuntimeError("x")])
def test_a_trial_that_raises_is_written_down_with_its_reason(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        before_fit(patch, raising(error))
        record = attempt(specify(folder), digits)
    assert (record.state, record.failure) == ("fail", f"{type(error).__name__}: {error}")
    assert record.counts
    assert attempt(specify(folder), digits).state == "complete"


def raising(error: BaseException) -> Callable[[int], None]:
    def act(number: int) -> None:
        raise error

    return act


def test_metrics_that_are_not_numbers_are_a_failure(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "tuning_metrics", lambda *part: {"tuning_log_loss": float("nan")})
    assert "figures are not numbers" in attempt(specify(folder), digits).failure


def test_when_the_time_is_up_a_trial_ends_at_its_next_epoch(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specify(folder, "mlp", NETWORK, deadline=time.time() + 60)
    before_fit(monkeypatch, lambda number: monkeypatch.setattr(time, "time", lambda: spec.deadline + 1), mlp)
    record = attempt(spec, digits)
    assert (record.failure, record.must_be_repeated) == ("the time was up", True)
    assert len(record.rungs) <= 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interruption_is_written_down_and_raised(
    digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    spec = specify(folder)
    before_fit(monkeypatch, raising(error))
    with pytest.raises(type(error)):
        attempt(spec, digits)
    (record,) = TrialQueue(spec).records()
    assert (record.state, record.failure, record.was_killed) == ("fail", "interrupted", False)
