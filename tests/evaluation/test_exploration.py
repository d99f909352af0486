"""Explorations of searches side by side."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from mnist_mlflow.evaluation.drawing import COLOURS
from mnist_mlflow.evaluation.exploration import Goal, draw_progress, draw_values, values_tried, varied


def trials(**columns: list[object]) -> pd.DataFrame:
    table = {
        "trial": range(6),
        "state": ["complete", "complete", "pruned", "complete", "fail", "complete"],
        "tuning_log_loss": [0.5, 0.4, 0.1, 0.6, None, 0.3],
        "C": [0.1, 1.0, 2.0, 50.0, 3.0, 7.0],
        "kernel": ["rbf", "poly", "rbf", "rbf", "rbf", "poly"],
        "degree": [3] * 6,
    }
    return pd.DataFrame({**table, **columns})


def points(line: Line2D) -> list[list[float]]:
    """The x and the y of a line."""
    return [list(map(float, values)) for values in (line.get_xdata(), line.get_ydata())]  # type: ignore[arg-type]


LOSS = Goal("tuning_log_loss", "nats")
SEARCHES = {"a": trials(), "b": trials(C=[2.0, 3.0, 2.0, 3.0, 2.0, 3.0])}


def test_values_are_a_range_or_a_list() -> None:
    assert values_tried(trials(), "C") == "0.1 to 50"
    assert values_tried(SEARCHES["b"], "C") == "2, 3"
    assert values_tried(trials(), "kernel") == "poly, rbf"
    assert values_tried(trials(flag=[True, False] * 3), "flag") == "False, True"


def test_hyperparameters_count_that_all_have_and_one_varied() -> None:
    assert varied(SEARCHES, ["C", "kernel", "degree", "gamma"]) == ["C", "kernel"]
    assert varied({"a": trials(), "c": trials().drop(columns="C")}, ["C", "kernel"]) == ["kernel"]


def test_the_best_so_far_never_gets_worse_and_passes_over_pruned_trials() -> None:
    (axes,) = draw_progress(SEARCHES, LOSS, "").axes
    assert points(axes.lines[0]) == [[0, 1, 3, 5], [0.5, 0.4, 0.4, 0.3]]
    (axes,) = draw_progress(SEARCHES, LOSS._replace(is_maximized=True), "").axes
    assert points(axes.lines[0])[1] == [0.5, 0.5, 0.6, 0.6]


def test_each_hyperparameter_has_axes_with_both_searches_in_their_colours() -> None:
    figure = draw_values({"a $x$": SEARCHES["a"], "b": SEARCHES["b"]}, LOSS, ["C", "kernel", "degree"], "")
    first, second, _, empty = figure.axes
    assert (first.get_xlabel(), second.get_xlabel()) == ("C", "kernel")
    assert (first.get_xscale(), second.get_xscale()) == ("log", "linear")
    assert {to_hex(line.get_color()).upper() for line in first.lines} == set(COLOURS[:2])
    assert [len(points(line)[0]) for line in first.lines] == [4, 2, 4, 2]
    assert not empty.axison
    figure.savefig("/dev/null", format="png")  # a label with dollars is no formula


@pytest.mark.parametrize(("count", "is_in_legend"), [(1, False), (2, False), (3, False), (4, True)])
def test_few_searches_have_their_names_beside_their_worst_trials(count: int, is_in_legend: bool) -> None:
    searches = {f"search {number}": trials() for number in range(count)}
    figure = draw_values(searches, LOSS, ["kernel", "C"], "")
    assert bool(figure.legends) == is_in_legend
    named = {text.get_text(): text.xy for text in figure.axes[0].texts if isinstance(text, Annotation)}
    assert named == (dict.fromkeys(searches, (0, 0.6)) if count in (2, 3) else {})
