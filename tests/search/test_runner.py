"""One trial at a time: what is measured, reported, broken off and written down."""

import math
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from mnist_mlflow.algorithms import base, mlp
from mnist_mlflow.algorithms.base import Watch
from mnist_mlflow.data import Dataset
from mnist_mlflow.search.pruning import STAGES
from mnist_mlflow.search.queue import admit, failure, outcome
from mnist_mlflow.search.runner import Job, Trier
from mnist_mlflow.search.studies import Plan, open_study
from mnist_mlflow.types import Part

NETWORK = {"epochs": 3, "units": 32, "hidden_layers": 1, "features": "pixels", "batch_size": 128, "dropout": 0.0}


def trier(dataset: Dataset, folder: Path, algorithm: str = "knn", objective: str = "log_loss", **options: Any) -> Trier:
    given = options.pop("given", {})
    plan = Plan(f"sqlite:///{folder}/optuna.db", "s", objective, 0, {}, options.pop("prune", True))
    return Trier(Job(algorithm, given, 0, plan, "run", **options), dataset)


def attempt(trying: Trier) -> optuna.trial.FrozenTrial:
    """One trial, let in first."""
    admit(trying.study, trying.study.trials, None, vars(trying.space.defaults), trying.owner, "run")
    trying.try_next()
    return trying.study.trials[-1]


def test_a_trial_is_scored_on_the_tuning_slice(digits: Dataset, tmp_path: Path) -> None:
    trial = attempt(trier(digits, tmp_path))
    assert trial.state.name == "COMPLETE"
    metrics = outcome(trial)["metrics"]
    assert trial.values == [metrics["tuning_log_loss"]]
    assert metrics["tuning_accuracy"] > 0.9
    assert outcome(trial)["seconds"] > 0
    assert trial.user_attrs["run"] == "run"


def test_who_was_taken_for_dead_goes_on_with_another_trial(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trying, real = trier(digits, tmp_path), Trier._measure
    others = open_study(trying.job.plan)

    def slept(self: Trier, *arguments: Any) -> Any:
        others.tell(len(others.trials) - 1, state=optuna.trial.TrialState.FAIL)
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trier, "_measure", slept)
        assert attempt(trying).state.name == "FAIL"
    assert attempt(trying).state.name == "COMPLETE"


def test_a_mistake_of_another_kind_is_not_taken_for_that(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("a sampler's mistake")

    trying = trier(digits, tmp_path)
    attempt(trying)
    monkeypatch.setattr(trying.study.sampler, "before_trial", fail)
    with pytest.raises(ValueError, match="a sampler's mistake"):
        attempt(trying)


def test_only_the_training_images_teach_and_only_the_tuning_slice_scores(digits: Dataset, tmp_path: Path) -> None:
    blind = Dataset(**{**vars(digits), "validation": None, "test": None})
    assert attempt(trier(blind, tmp_path)).state.name == "COMPLETE"


@pytest.mark.parametrize(("objective", "metrics"), [("accuracy", 1), ("log_loss,latency", 2)])
def test_other_objectives(digits: Dataset, tmp_path: Path, objective: str, metrics: int) -> None:
    values = attempt(trier(digits, tmp_path, objective=objective)).values
    assert values is not None
    assert len(values) == metrics
    assert all(0 < value < 100 for value in values)


TREES = {"rounds": 16, "features": "pixels"}


@pytest.mark.parametrize(("algorithm", "given"), [("mlp", NETWORK), ("xgboost", TREES), ("logistic", {})])
def test_a_trial_reports_what_a_share_of_the_images_gave_then_of_the_steps_if_there_are_any(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str, given: dict[str, Any]
) -> None:
    monkeypatch.setattr("mnist_mlflow.algorithms.base.SMALLEST_SHARE", 14)
    shares = []
    real = base.share_of
    monkeypatch.setattr(base, "share_of", lambda part, size: shares.append(size) or real(part, size))
    trial = attempt(trier(digits, tmp_path, algorithm, given=given))
    assert list(trial.intermediate_values) == list(STAGES)
    whole = len(digits.train)
    asked = [size for size in shares if size != 14]  # those are of the tuning slice
    of_images = list(STAGES) if algorithm == "logistic" else list(STAGES)[:-1]
    assert asked == [whole * stage // base.WHOLE for stage in of_images]
    assert trial.values is not None
    assert trial.values[0] < trial.intermediate_values[max(STAGES)] < trial.intermediate_values[min(STAGES)]


def test_of_few_images_no_share_tells_anything(digits: Dataset, tmp_path: Path) -> None:
    assert attempt(trier(digits, tmp_path, "logistic")).intermediate_values == {}
    assert list(attempt(trier(digits, tmp_path / "mlp", "mlp", given=NETWORK)).intermediate_values) == [16]


def test_a_laggard_is_broken_off_at_a_stage_and_has_the_figures_of_that_stage(digits: Dataset, tmp_path: Path) -> None:
    trying = trier(digits, tmp_path, "mlp", given=NETWORK)
    attempt(trying)
    trying.job = Job("mlp", NETWORK | {"learning_rate": 1e-6}, 0, trying.job.plan, "run")
    trying.space = trying.job.space
    trial = attempt(trying)
    assert trial.state.name == "PRUNED"
    assert list(trial.intermediate_values) == [16]
    assert outcome(trial)["metrics"]["tuning_log_loss"] == trial.intermediate_values[16]


def test_without_pruning_nobody_is_asked_on_the_way(digits: Dataset, tmp_path: Path) -> None:
    trial = attempt(trier(digits, tmp_path, "mlp", given=NETWORK, prune=False))
    assert trial.intermediate_values == {}


@pytest.mark.parametrize("error", [MemoryError("no memory left"), ValueError("does not converge"), RuntimeError("x")])
def test_a_trial_that_raises_is_written_down_with_its_reason(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: Any) -> None:
        raise error

    trying = trier(digits, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("mnist_mlflow.algorithms.knn.build", fail)
        trial = attempt(trying)
    assert trial.state.name == "FAIL"
    assert failure(trial) == f"{type(error).__name__}: {error}"
    assert attempt(trying).state.name == "COMPLETE"


def test_what_is_no_number_is_a_failure(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlflow.search.runner.figures", lambda *part: {"tuning_log_loss": math.nan})
    assert "figures are not numbers" in failure(attempt(trier(digits, tmp_path)))


def test_when_the_time_is_up_a_trial_ends_at_its_next_stage(digits: Dataset, tmp_path: Path) -> None:
    trial = attempt(trier(digits, tmp_path, "mlp", given=NETWORK, deadline=time.time() - 1))
    assert failure(trial) == "the time was up"
    assert len(trial.intermediate_values) <= 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interruption_is_written_down_and_heard(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupt(*arguments: Any) -> None:
        raise error

    trying = trier(digits, tmp_path)
    monkeypatch.setattr("mnist_mlflow.algorithms.knn.build", interrupt)
    with pytest.raises(type(error)):
        attempt(trying)
    assert outcome(trying.study.trials[-1])["interruption"] == "interrupted"


class Noting(Watch):
    stages = (1, 16)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, tuple[int, ...]]] = []

    def judge(self, stage: int, labels: Any, probabilities: Any) -> None:
        self.shapes.append((stage, probabilities.shape))


def test_watching_does_not_change_what_is_learned(digits: Dataset) -> None:
    watch, part = Noting(), Part(digits.train.images[:300], digits.train.labels[:300])
    params = mlp.Params(**NETWORK)
    watched = mlp.build(params, 0).fit(part, digits.tuning, watch)
    alone = mlp.build(params, 0).fit(part, digits.tuning)
    assert watch.shapes == [(16, (len(digits.tuning), 10))]
    assert (watched.tuning_probabilities == alone.tuning_probabilities).all()
