"""Pictures of one search."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.lines import Line2D

from mnist_mlflow.evaluation.drawing import BLUE, as_png
from mnist_mlflow.evaluation.exploration import Goal
from mnist_mlflow.evaluation.trial_plots import draw_front, draw_importances, draw_parallel, draw_stages

LOSS = Goal("value", "nats of log loss")


def _points(line: Line2D) -> npt.NDArray[np.float64]:
    """The points (n, 2) of a line."""
    return np.asarray(line.get_xydata())


def test_importances_are_shares_with_the_largest_on_top() -> None:
    (axes,) = draw_importances({"C": 0.9, "gamma": 0.095, "$kernel": 0.005}, "study a").axes
    assert [text.get_text() for text in axes.texts] == ["90 %", "10 %", "< 1 %"]
    assert axes.yaxis_inverted()
    assert axes.get_xlabel().endswith("%")


def test_trials_that_learned_to_the_end_are_dark() -> None:
    figure = draw_stages([{2: 0.5, 16: 0.3, 32: 0.2}, {2: 0.9}], [True, False], LOSS, "study a")
    (axes,) = figure.axes
    assert [line.get_color() == BLUE for line in axes.lines] == [True, False]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "16", "32"]
    assert axes.get_ylabel() == "nats of log loss"
    assert any("Dark: " in text.get_text() for text in figure.texts)


def test_the_front_is_filled() -> None:
    figure = draw_front(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]]), np.array([0, 1]), ("nats", "ms"), "study a")
    every, front = figure.axes[0].lines
    assert (len(_points(every)), len(_points(front))) == (3, 2)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("nats", "ms")


@pytest.mark.parametrize(("is_maximized", "height"), [(False, 0.0), (True, 1.0)])
def test_a_line_passes_over_what_a_trial_has_not(is_maximized: bool, height: float) -> None:
    trials = pd.DataFrame(
        {
            "kernel": ["rbf", "rbf", "poly"],
            "degree": [np.nan, np.nan, 3.0],
            "C": [0.1, 1.0, 100.0],
            "value": [0.5, 0.2, 0.9],
        }
    )
    figure = draw_parallel(trials, LOSS._replace(is_maximized=is_maximized), ["kernel", "degree", "C"], "study a")
    assert sorted(len(points) for points in map(_points, figure.axes[0].lines) if len(points) > 2) == [3, 3, 4]
    (dark,) = [_points(line) for line in figure.axes[0].lines if line.get_color() == BLUE]
    assert dark[-1, 1] == height
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {"rbf", "poly", "0.1", "100", "0.2", "0.9"} <= texts
    assert as_png(figure)
