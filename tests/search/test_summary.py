"""What is told of a study: tables, comparisons, pictures and the note on the run's page."""

import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from matplotlib.figure import Figure
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_mlflow.algorithms import knn
from mnist_mlflow.search.note import note
from mnist_mlflow.search.plots import label_plainly, page, pictures
from mnist_mlflow.search.queue import settled
from mnist_mlflow.search.runner import decode, encode, losses
from mnist_mlflow.search.space import Space
from mnist_mlflow.search.summary import best_trial, compare, default_trial, kept_trial, reasons, table

SPACE = Space(knn, {"features": "hog", "components": 70, "weights": "distance"})
LOSSES = np.linspace(0.01, 1.0, 200)


def trial(
    neighbours: int, value: float | list[float] | None, state: str = "COMPLETE", shift: float = 0.0, **ended: Any
) -> FrozenTrial:
    values = value if isinstance(value, list) else None if value is None else [value]
    metrics = {"tuning_log_loss": values[0], "tuning_accuracy": 0.9} if values else {}
    attributes = {"outcome": {"metrics": metrics, "seconds": 1.0, "losses": encode(LOSSES + shift), **ended}}
    return create_trial(
        state=TrialState[state],
        values=values if state == "COMPLETE" else None,
        params={"n_neighbors": neighbours},
        distributions={"n_neighbors": IntDistribution(1, 20)},
        user_attrs=attributes,
        intermediate_values={1: values[0]} if values and len(values) == 1 else {},
    )


def study_of(*trials: FrozenTrial, directions: tuple[str, ...] = ("minimize",)) -> optuna.Study:
    study = optuna.create_study(directions=directions)
    study.add_trials(trials)
    return study


@pytest.fixture
def study() -> optuna.Study:
    return study_of(
        trial(8, 0.30),
        trial(3, 0.20, shift=-0.005),
        trial(1, 0.90, "PRUNED"),
        trial(2, None, "FAIL", failure="out of memory"),
        trial(5, 0.25),
    )


def test_the_best_is_the_smallest_and_the_first_of_equals(study: optuna.Study) -> None:
    assert best_trial(study.trials, study.directions).number == 1  # type: ignore[union-attr]
    study.add_trial(trial(4, 0.20))
    assert best_trial(study.trials, study.directions).number == 1  # type: ignore[union-attr]
    assert best_trial([], study.directions) is None


def test_the_best_of_two_goals_is_the_knee_whichever_way_they_go() -> None:
    trials = [trial(1, [0.5, 5.0]), trial(2, [0.9, 6.0]), trial(3, [0.95, 60.0]), trial(4, [0.4, 50.0])]
    study = study_of(*trials, directions=("maximize", "minimize"))
    assert best_trial(study.trials, study.directions).number == 1  # type: ignore[union-attr]


def test_nothing_is_kept_that_was_not_compared_with_the_defaults() -> None:
    interrupted, failed = (trial(8, None, "FAIL", **why) for why in ({"interruption": "late"}, {"failure": "memory"}))
    for default, kept in ((interrupted, None), (failed, 1), (trial(8, 0.30), 1)):
        study = study_of(default, trial(3, 0.20))
        found = kept_trial(settled(study.trials), study.directions, SPACE)
        assert (found.number if found else None) == kept


def test_the_default_is_found_by_its_hyperparameters(study: optuna.Study) -> None:
    assert default_trial(study.trials, SPACE).number == 0  # type: ignore[union-attr]
    assert default_trial(study.trials, Space(knn, {"n_neighbors": 9})) is None


def test_two_trials_are_compared_image_by_image(study: optuna.Study) -> None:
    compared = compare(study.trials[0], study.trials[1])
    mean, low, high = compared.log_loss
    assert mean == pytest.approx(-0.005, abs=2e-4)
    assert low == pytest.approx(high, abs=2e-4)  # all images agree
    assert compared.accuracy == (0, 0, 0)


def test_losses_are_kept_as_text_with_the_mistakes_among_them() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [1.0, 0.0]])
    kept = decode(encode(losses(probabilities, np.array([0, 0, 1], np.uint8))))
    assert kept[0] == pytest.approx(-np.log(0.9), rel=1e-3)
    assert kept[1] == pytest.approx(np.log(0.4), rel=1e-3)
    assert list(np.signbit(kept)) == [False, True, True]
    assert np.isfinite(kept).all()


def test_a_certain_answer_that_is_right_is_no_mistake() -> None:
    kept = decode(encode(losses(np.array([[1.0, 0.0]]), np.array([0], np.uint8))))
    assert not np.signbit(kept[0])


def test_the_table_has_a_row_for_each_trial_that_has_ended(study: optuna.Study) -> None:
    study.add_trial(create_trial(state=TrialState.WAITING))
    found = table(study.trials, SPACE, "log_loss")
    assert list(found["state"]) == ["complete", "complete", "pruned", "fail", "complete"]
    assert list(found["n_neighbors"]) == [8, 3, 1, 2, 5]
    assert set(found["weights"]) == {"distance"}
    assert found["failure"][3] == "out of memory"
    assert found["log_loss"][1] == 0.20
    assert reasons(study.trials) == ["out of memory"]


def test_the_note_says_what_was_won(study: optuna.Study) -> None:
    told = note("mine", SPACE, settled(study.trials), study.trials[0], study.trials[1], "mlflow run . -P study=mine")
    assert "Study `mine`: 3 trials complete, 1 trial broken off early, 1 trial failed." in told
    assert "| log loss | 0.3000 | 0.2000 | -0.0050 (95 %: -0.00" in told
    assert "| `n_neighbors` | 8 | 3 | |" in told
    assert "`weights`" not in told
    assert "mlflow run . -P study=mine" in told


def test_the_note_says_when_nothing_was_won(study: optuna.Study) -> None:
    assert "Nothing was better than the defaults" in note("m", SPACE, [], study.trials[0], study.trials[0], "")


def test_the_note_says_when_nothing_was_compared() -> None:
    told = note("m", SPACE, [], None, None, "")
    assert "no trial has ended" in told
    assert "defaults, which are kept" in told


def test_the_pictures_of_a_study(study: optuna.Study) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # whoever searches reads no word about how it is drawn
        found = pictures(study, "log_loss")
    expected = {"history", "importances", "parallel_coordinates", "slices", "intermediate_values"}
    assert set(found) == expected
    assert all(picture.startswith(b"\x89PNG") for picture in found.values())


def test_where_laggards_were_broken_off_all_trials_are_compared_by_their_first_stage() -> None:
    few = study_of(trial(8, 0.3), trial(3, 0.4, "PRUNED"), trial(5, 0.5, "PRUNED"), trial(2, None, "FAIL"))
    assert {"history", "slices", "parallel_coordinates", "intermediate_values"} <= set(pictures(few, "log_loss"))
    found = page(few, "log_loss")
    assert "log_loss at stage 1 of 32" in found
    assert '"y":[0.3,0.4,0.5]' in found.replace(" ", "")


def test_where_all_were_learned_to_the_end_they_are_compared_by_that() -> None:
    assert "at stage" not in page(study_of(trial(8, 0.3), trial(3, 0.4)), "log_loss")


def test_two_goals_have_a_front() -> None:
    trials = [trial(number, [1 / number, float(number)]) for number in range(1, 6)]
    study = study_of(*trials, directions=("minimize", "minimize"))
    assert "pareto_front" in pictures(study, "log_loss,latency")
    assert "latency" in page(study, "log_loss,latency")


@pytest.mark.parametrize(("low", "high"), [(5, 20), (8, 32), (0.2, 5), (1e-3, 3e-2), (0.5, 50), (1e-3, 1e2)])
def test_a_logarithmic_axis_has_a_few_plain_numbers(low: float, high: float) -> None:
    axes = Figure(figsize=(3, 5)).subplots()
    axes.set(xscale="log", xlim=(low, high))
    label_plainly(axes.xaxis)
    axes.figure.draw_without_rendering()
    seen = [label.get_text() for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert 2 <= len(seen) <= 6
    assert all(float(text) > 0 for text in seen)


def test_the_page_needs_no_network(study: optuna.Study) -> None:
    found = page(study, "log_loss")
    assert found.startswith("<!DOCTYPE html>")
    assert found.count("plotly-graph-div") >= 5
    assert '<script src="http' not in found
    assert found.count("<script") < 15


@pytest.mark.parametrize("trials", [[], [trial(8, 0.3)], [trial(8, None, "FAIL"), trial(8, None, "FAIL")]])
def test_too_few_trials_have_no_pictures(trials: list[FrozenTrial]) -> None:
    study = study_of(*trials)
    assert pictures(study, "log_loss") == {}
    assert page(study, "log_loss") == ""


def test_trials_that_are_all_alike_do_not_stop_the_telling() -> None:
    study = study_of(*(trial(8, 0.3) for _ in range(4)))
    assert "history" in pictures(study, "log_loss")


def test_hyperparameters_that_only_some_trials_have_are_drawn() -> None:
    some = create_trial(value=0.1, params={"x": 0.5}, distributions={"x": FloatDistribution(0, 1)})
    study = study_of(trial(8, 0.3), trial(3, 0.2), some, some)
    assert "slices" in pictures(study, "log_loss")
