"""A comparison in the terminal."""

import io
from pathlib import Path

import pytest

from mnist_mlflow.cli.compared import show
from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.jobs.compare import CompareResult
from mnist_mlflow.reports.comparison import compare
from tests.sides import IMAGES, side, with_facts
from tests.simulated import right_but

SIDES = [side(f"{n:032x}", right_but(IMAGES, range(5 * n)), command="mlflow run . " + "-P a=b " * 40) for n in range(8)]


def shown(count: int, width: int, folder: Path) -> str:
    stream = io.StringIO()
    sides = [*SIDES[: count - 1], with_facts(SIDES[7], "parameters", C="5", long="x" * 300)]
    show(Terminal(stream, width), CompareResult(compare(sides, folder), folder / "compare.html"))
    return stream.getvalue()


@pytest.mark.parametrize("count", [2, 8])
def test_it_fits_the_width_whatever_the_runs_hold(count: int, tmp_path: Path) -> None:
    lines = shown(count, 110, tmp_path).splitlines()
    assert max(map(len, [line for line in lines if "Written" not in line])) <= 110


def test_it_answers_first_and_then_says_what_differs(tmp_path: Path) -> None:
    text = shown(2, 110, tmp_path)
    assert text.startswith("knn 00000000 is better than knn 00000000 by 17.50 points")
    assert [text.index(title) for title in ("What differs", "Metrics", "Cost", "Differences on")] == sorted(
        text.index(title) for title in ("What differs", "Metrics", "Cost", "Differences on")
    )
    assert "Digit by digit" not in text
    assert f"{'0' * 32}" not in text
    assert "x …" in text
    assert str(tmp_path / "compare.html") in text


def test_no_number_is_broken_in_a_narrow_terminal(tmp_path: Path) -> None:
    lines = shown(3, 80, tmp_path).splitlines()
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    table = lines[next(row for row, line in enumerate(lines) if line.startswith(" first")) :]
    words = [word for line in table for word in line.split()]
    assert words.count("00000000") == 2 * 3
    assert not [word for word in words if word.startswith(("+", "-")) and len(word.partition(".")[2]) not in (2, 4)]
