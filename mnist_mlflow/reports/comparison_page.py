"""The page of a comparison: its answer, its sections, and pictures of what only one of two sides reads right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mnist_mlflow.evaluation.disagreement import Answers, rows_only_first_reads
from mnist_mlflow.evaluation.drawing import digit_png
from mnist_mlflow.reports.comparison import Comparison
from mnist_mlflow.reports.html import embedded, render
from mnist_mlflow.reports.pairs import Pair
from mnist_mlflow.reports.searches import draw_searches
from mnist_mlflow.tracking.sides import Side
from mnist_mlflow.types import Images

MOST_IMAGES = 12  # that one side alone of a pair reads right

ImagesBySplit = Mapping[tuple[str, str], Images]  # validation images by the digests that `Side.images` has


@dataclass(frozen=True)
class Misread:
    """An image that one side alone reads right: its picture, its digit, and what the other side reads."""

    picture: str
    digit: int
    reading: int
    confidence: float  # of the other side


@dataclass(frozen=True)
class Gallery:
    """Images that the side `right` reads right and the side `wrong` does not, the most confident of them."""

    right: str
    wrong: str
    count: int
    images: Sequence[Misread]


def comparison_page(comparison: Comparison, title: str, images: ImagesBySplit, lacking: Sequence[str]) -> str:
    """The page as HTML that needs nothing else; `lacking` says why there are no pictures of some images."""
    figures = [(caption, embedded(png)) for caption, png in draw_searches(comparison.sides).items()]
    return render(
        "comparison.html.jinja",
        title=title,
        comparison=comparison,
        sections=[*comparison.sections, *comparison.details],
        figures=figures,
        galleries=[gallery for pair in comparison.pairs for gallery in _galleries(pair, images) if gallery.count],
        lacking=lacking,
    )


def _galleries(pair: Pair, images: ImagesBySplit) -> Iterator[Gallery]:
    """Two galleries of a pair, one for each side that reads right."""
    if pair.first.images in images:
        (first, second), shown = pair.answers, images[pair.first.images]
        yield _gallery(pair.first, pair.second, first, second, shown)
        yield _gallery(pair.second, pair.first, second, first, shown)


def _gallery(right: Side, wrong: Side, answers: Answers, others: Answers, images: Images) -> Gallery:
    rows = rows_only_first_reads(answers, others)
    misread = [
        Misread(
            embedded(digit_png(images[row])),
            int(answers.labels[row]),
            int(others.digits[row]),
            float(others.confidence[row]),
        )
        for row in rows[:MOST_IMAGES]
    ]
    return Gallery(right.label, wrong.label, len(rows), misread)
