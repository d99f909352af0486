"""Plots of studies: PNG files and a page."""

import warnings
from pathlib import Path

import optuna
import pytest
from matplotlib.figure import Figure
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, create_trial

from mnist_mlflow.evaluation.labels import label_plainly
from mnist_mlflow.search.plots import draw
from tests.search.test_summary import TRIALS, trial


def drawn(folder: Path, *trials: FrozenTrial, objective: str = "log_loss") -> set[str]:
    """The names of the files."""
    study = optuna.create_study(study_name="<mine>", directions=["minimize"] * len(objective.split(",")))
    study.add_trials(trials)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody who searches is to read how it is drawn
        draw(study, objective, folder)
    return {path.name for path in folder.iterdir()}


def page(folder: Path) -> str:
    return (folder / "study.html").read_text()


def test_a_study_has_plots_and_a_page_that_needs_no_network(tmp_path: Path) -> None:
    names = {"history", "importances", "parallel_coordinates", "slices", "intermediate_values"}
    assert drawn(tmp_path, *TRIALS) == {*(f"{name}.png" for name in names), "study.html"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))
    text = page(tmp_path)
    assert text.startswith("<!DOCTYPE html>")
    assert "<h1>&lt;mine&gt;</h1>" in text
    assert text.count("plotly-graph-div") >= 5
    assert '<script src="http' not in text
    assert text.count("<script") < 15


def test_where_laggards_were_pruned_all_trials_are_compared_by_their_first_rung(tmp_path: Path) -> None:
    few = [trial(8, 0.3), trial(3, 0.4, "PRUNED"), trial(5, 0.5, "PRUNED"), trial(2, None, "FAIL")]
    assert {"history.png", "slices.png", "intermediate_values.png"} <= drawn(tmp_path, *few)
    assert "log_loss at stage 1 of 32" in page(tmp_path)
    assert '"y":[0.3,0.4,0.5]' in page(tmp_path).replace(" ", "")


def test_two_goals_have_a_front(tmp_path: Path) -> None:
    trials = [trial(number, [1 / number, float(number)]) for number in range(1, 6)]
    assert "pareto_front.png" in drawn(tmp_path, *trials, objective="log_loss,latency")
    assert "latency" in page(tmp_path)
    assert "at stage" not in page(tmp_path)


@pytest.mark.parametrize(("low", "high"), [(5, 20), (8, 32), (0.2, 5), (1e-3, 3e-2), (0.5, 50), (1e-3, 1e2)])
def test_a_logarithmic_axis_has_a_few_plain_numbers(low: float, high: float) -> None:
    figure = Figure(figsize=(3, 5))
    axes = figure.subplots()
    axes.set(xscale="log", xlim=(low, high))
    label_plainly(axes.xaxis)
    figure.draw_without_rendering()
    texts = [label.get_text() for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert 2 <= len(texts) <= 6
    assert all(float(text) > 0 for text in texts)


@pytest.mark.parametrize("trials", [[], [trial(8, 0.3)], [trial(8, None, "FAIL"), trial(8, None, "FAIL")]])
def test_too_few_trials_have_no_plots(tmp_path: Path, trials: list[FrozenTrial]) -> None:
    assert drawn(tmp_path, *trials) == set()


def test_trials_that_are_all_alike_are_drawn_as_far_as_possible(tmp_path: Path) -> None:
    assert "history.png" in drawn(tmp_path, *(trial(8, 0.3) for _ in range(4)))


def test_hyperparameters_that_only_some_trials_have_are_drawn(tmp_path: Path) -> None:
    some = create_trial(value=0.1, params={"x": 0.5}, distributions={"x": FloatDistribution(0, 1)})
    assert "slices.png" in drawn(tmp_path, trial(8, 0.3), trial(3, 0.2), some, some)
