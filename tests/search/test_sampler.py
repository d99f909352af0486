from typing import Any

import optuna
import pytest

from mnist_mlflow.search.sampler import NumberedSampler


def objective(trial: optuna.Trial) -> float:
    return float((trial.suggest_float("x", -1, 1) - 0.3) ** 2 + trial.suggest_int("n", 0, 9))


def optimized(trials: int, seed: int, study: optuna.Study | None = None) -> optuna.Study:
    study = study or optuna.create_study(sampler=NumberedSampler(seed))
    study.optimize(objective, n_trials=trials)
    return study


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    return optimized(40, 3)


def test_the_same_seed_proposes_the_same_and_another_one_does_not(study: optuna.Study) -> None:
    assert params(optimized(15, 3)) == params(study)[:15] != params(optimized(15, 4))


def test_a_study_that_is_continued_proposes_as_if_it_had_never_stopped(study: optuna.Study) -> None:
    """As by another process, whose sampler has seen nothing."""
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(study_name="s", storage=storage)
    for trials in (4, 3, 8):
        continued = optuna.load_study(study_name="s", storage=storage, sampler=NumberedSampler(3))
        optimized(trials, 3, continued)
    assert params(continued) == params(study)[:15]


def test_no_two_trials_are_alike(study: optuna.Study) -> None:
    assert len({trial.params["x"] for trial in study.trials}) == 40


def test_it_learns_from_the_trials_before(study: optuna.Study) -> None:
    first, last = ([trial.value for trial in part] for part in (study.trials[:10], study.trials[-10:]))
    assert sum(last) < sum(first)
