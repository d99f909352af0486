import pytest

from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.pareto import Point, draw_pareto, pareto_front

FAST, EXACT = Point("fast", 0.98, 0.01, 5.0), Point("exact", 0.99, 0.10, 5.0, is_winner=True)
SMALL, POOR = Point("small", 0.97, 0.05, 0.1), Point("poor", 0.97, 0.05, 5.0)


def front(*points: Point) -> list[Point]:
    return [points[index] for index in pareto_front([point.costs for point in points])]


def test_the_front_is_what_nothing_is_better_than() -> None:
    assert front(POOR, FAST, EXACT, SMALL) == [FAST, EXACT, SMALL]


def test_equals_stay_on_the_front_together() -> None:
    twin = Point("twin", FAST.accuracy, FAST.ms_per_image, FAST.megabytes)
    assert front(FAST, twin) == [FAST, twin]


@pytest.mark.parametrize("points", [[FAST], [FAST, EXACT, SMALL, POOR]])
def test_it_is_drawn(points: list[Point]) -> None:
    figure = draw_pareto(points, "a title")
    named = {f"{one.name}, {one.megabytes:g} MB{', chosen' if one is EXACT else ''}" for one in points}
    assert {text.get_text() for text in figure.axes[0].texts} == named
    assert not figure.legends
    assert as_png(figure).startswith(b"\x89PNG")
