from typing import Any

import optuna

from mnist_mlflow.search.sampler import NumberedSampler


def objective(trial: optuna.Trial) -> float:
    return (trial.suggest_float("x", -1, 1) - 0.3) ** 2 + trial.suggest_int("n", 0, 9)


def run(trials: int, seed: int, study: optuna.Study | None = None) -> optuna.Study:
    study = study or optuna.create_study(sampler=NumberedSampler(seed))
    study.optimize(objective, n_trials=trials)
    return study


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def test_the_same_seed_proposes_the_same_and_another_one_does_not() -> None:
    assert params(run(15, 3)) == params(run(15, 3)) != params(run(15, 4))


def test_a_study_that_is_taken_up_goes_on_as_if_it_had_never_stopped() -> None:
    """As by another process, whose sampler has seen nothing."""
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(study_name="s", storage=storage)
    for trials in (4, 3, 8):
        taken_up = optuna.load_study(study_name="s", storage=storage, sampler=NumberedSampler(3))
        run(trials, 3, taken_up)
    assert params(taken_up) == params(run(15, 3))


def test_no_two_trials_are_alike() -> None:
    found = params(run(10, 0))
    assert len({trial["x"] for trial in found}) == 10


def test_it_learns_from_what_was_tried() -> None:
    trials = run(60, 0).trials
    first, last = ([trial.value for trial in part] for part in (trials[:10], trials[-10:]))
    assert sum(last) < sum(first)
