from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation import plots
from mnist_mlflow.evaluation.plots import learning_curves, mistakes, per_class, pictures, reject_curve
from mnist_mlflow.model.readings import Readings
from tests.simulated import labels_of, reads, right_but

CURVES = {"train_loss": [(1, 0.9), (2, 0.5)], "epoch_val_accuracy": [(1, 0.7), (2, 0.8)]}


def guess(digits: Dataset, right: float, promised: float = 0.01) -> Readings:
    random = np.random.default_rng(0)
    labels = digits.validation.labels
    guessed = np.where(random.random(len(labels)) < right, labels, (labels + 1) % 10)
    none, why = np.zeros(len(labels), bool), np.full(len(labels), "")
    promises = np.where(random.random(len(labels)) < 0.9, promised, np.inf)
    return Readings(digits.validation.images, none, np.eye(10)[guessed] * 0.9 + 0.01, why, promises)


@pytest.mark.parametrize(("right", "promised"), [(0.0, 0.1), (0.9, 0.01), (1.0, np.inf)])
def test_draws_every_picture(digits: Dataset, right: float, promised: float) -> None:
    drawn = pictures(digits.validation, guess(digits, right, promised), CURVES, "knn", "digits")
    names = {"confusion_matrix", "per_class", "reliability", "risk_coverage", "mistakes", "learning_curves"}
    assert set(drawn) == names
    for png in drawn.values():
        pixels = np.asarray(Image.open(BytesIO(png)).convert("L"))
        assert pixels.shape[1] == 792  # as wide as the MLflow UI shows it
        assert min(pixels.shape) >= 300
        assert pixels.std() > 5


def test_draws_no_curves_where_there_are_none(digits: Dataset) -> None:
    assert "learning_curves" not in pictures(digits.validation, guess(digits, 0.9), {}, "knn", "digits")


@pytest.fixture
def drawn(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures of a run, before they are files."""
    monkeypatch.setattr(plots, "as_png", lambda figure: figure)
    figures: dict[str, Figure] = pictures(digits.validation, guess(digits, 0.9), CURVES, "knn", "digits")  # type: ignore[assignment]
    return figures


def test_each_picture_says_what_it_shows_of_whom_and_in_which_units(drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        assert figure.get_suptitle()
        assert any(text.get_text().startswith("knn") for text in figure.texts)
        for axes in figure.axes:
            if axes.axison:
                assert axes.get_ylabel(), name
        if figure.axes[-1].axison:
            assert figure.axes[-1].get_xlabel(), name
    units = {name: [axes.get_ylabel() for axes in figure.axes] for name, figure in drawn.items()}
    assert units["learning_curves"] == ["log loss, nats", "accuracy, %"]
    assert units["risk_coverage"] == ["wrong among them, %"]
    assert drawn["reliability"].axes[-1].get_xlabel() == "confidence, %"


def test_few_lines_are_named_beside_them_and_not_in_a_legend(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        assert not figure.legends
        assert all(axes.get_legend() is None for axes in figure.axes)
    loss, accuracy = drawn["learning_curves"].axes
    assert [text.get_text() for text in loss.texts] == ["training images"]
    assert [text.get_text() for text in accuracy.texts] == ["tuning slice"]
    assert {text.get_text() for text in drawn["per_class"].axes[0].texts} == {"precision", "recall", "F1"}


def test_the_confusions_are_counted_and_the_zeros_left_blank() -> None:
    labels = labels_of(100)
    (axes,) = plots.confusion_matrix(labels, reads(labels, right_but(100, range(0, 30, 10))), "m").axes
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    assert counts == {(0, 0): "7", (1, 0): "3", **{(digit, digit): "10" for digit in range(1, 10)}}


@pytest.mark.parametrize(
    ("wrong", "title", "images"),
    [
        (0, "No mistakes", 0),
        (1, "The only mistake", 1),
        (5, "All 5 mistakes", 5),
        (40, "The 32 worst of 40 mistakes", 32),
    ],
)
def test_mistakes_are_counted_in_words(wrong: int, title: str, images: int) -> None:
    labels = labels_of(100)
    figure = mistakes(np.zeros((100, 28, 28), np.uint8), labels, reads(labels, right_but(100, range(wrong))), "m")
    assert figure.get_suptitle() == title
    captions = [text.get_text() for text in figure.axes[0].texts]
    assert len(captions) == images
    assert not images or captions[0] == "0 → 1\n90 %"


def test_the_errors_begin_where_there_are_some() -> None:
    correct = np.ones(100, bool)
    correct[[75, 90]] = False
    (axes,) = reject_curve(correct, 0.8, "m").axes
    assert axes.get_xlim() == (70, 101)
    assert [text.get_text() for text in axes.texts] == ["sure: 80.0 % "]


def test_a_loss_that_falls_far_has_a_logarithmic_axis() -> None:
    flat, steep = ({"train_loss": [(1, 1.0), (2, last)]} for last in (0.5, 0.01))
    assert [learning_curves(curves, "m").axes[0].get_yscale() for curves in (flat, steep)] == ["linear", "log"]


@pytest.mark.parametrize("draw", [per_class, plots.confusion_matrix, plots.reliability_diagram])
def test_no_name_is_a_formula_or_too_long(draw: Callable[..., Figure]) -> None:
    labels = labels_of(50)
    figure = draw(labels, reads(labels, right_but(50)), r"$\frac{ " + "a long name " * 20)
    figure.draw_without_rendering()
    about = figure.texts[-1].get_window_extent()
    assert about.x1 < figure.bbox.x1
