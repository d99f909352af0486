import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from benchmarks.report.compare import is_accurate, ratios
from benchmarks.report.growth import draw
from benchmarks.report.page import write_report
from benchmarks.targets import ROWS
from tests.conftest import ROOT

RESULTS: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results.json").read_text())


@pytest.fixture
def results() -> dict[str, Any]:
    """The figures of the project, to be changed, but for those of growth: to draw them takes a second."""
    return {part: copy.deepcopy(figures) for part, figures in RESULTS.items() if part != "growth"}


def written(folder: Path, results: dict[str, Any]) -> str:
    write_report(folder, results)
    return (folder / "RESULTS.md").read_text()


def cells(text: str, title: str, row: str) -> list[str]:
    section = re.sub(" +", " ", text.split(f"## {title}\n")[1].split("\n## ", 1)[0])
    (line,) = (line for line in section.splitlines() if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_report_of_the_project_is_what_its_figures_give(tmp_path: Path) -> None:
    assert written(tmp_path, RESULTS) == (ROOT / "benchmarks" / "RESULTS.md").read_text()
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_slower_and_worse_figures_miss_their_targets(tmp_path: Path, results: dict[str, Any]) -> None:
    for record in results["svm"]["ours"]:
        record |= {"accuracy": 0.9949, "fit_seconds": 100.0, "predict_seconds": 10.0}
    results["overhead"] |= {"help_seconds": 0.61, "knn_imports_tensorflow": True}
    results["ensemble"]["models"]["svm"]["val_ece"] = 0.0055
    results["selecting"]["rates"] |= {"equal": 0.051, "unequal": 0.89}
    results["selecting"]["ranked"][0]["seconds"] = 1.6
    results["overhead"]["trial"]["ms"] = 60.4
    text = written(tmp_path, results)
    assert cells(text, "Accuracy", "svm")[-2] == "not reached"
    assert cells(text, "Fit", "svm")[-1] == cells(text, "Prediction of 10,000 images", "svm")[-1] == "not reached"
    assert "- `--help`: 0.61 s, below 0.5 s: not reached" in text
    assert "- a kNN run imports TensorFlow: not reached" in text
    assert "is 0.55 points at most, to reach 0.5: not reached" in text
    for row in ("both 99 %, mistakes independent", "99.0 % and 98.5 %, half of the better one's mistakes in common"):
        assert cells(text, "Selection: how it decides", row)[-1] == "not reached"
    assert cells(text, "Selection: how long it takes to rank", "SQLite | 1,000")[-2] == "not reached"
    assert "take 60 ms of a trial on SQLite (mean of 60 that learn nothing), to reach 40: not reached" in text


def test_targets_that_are_reached_need_no_reasons(tmp_path: Path, results: dict[str, Any]) -> None:
    results["ensemble"]["models"]["ensemble"]["test_accuracy"] = 0.9971
    results["search"]["raced"] = results["search"]["raced"][:2]
    text = written(tmp_path, results)
    assert "99.71 % of the test images (99.58 to 99.80), to reach 99.70 %: reached." in text
    assert "What limits it" not in text


def test_a_race_that_nobody_finishes_is_lost(tmp_path: Path, results: dict[str, Any]) -> None:
    results["search"]["raced"][0] |= {"trials": 0, "best": None}
    row = cells(written(tmp_path, results), "Search: pruned against unpruned", "svm | 0")
    assert row[4:] == ["0", "2", "0", "not reached", "none", "0.01476", "not reached"]


def test_a_peer_that_was_not_measured_is_said_to_be(tmp_path: Path, results: dict[str, Any]) -> None:
    text = written(tmp_path, {"cnn accurate": results["cnn accurate"]})
    assert "## Ensemble" not in text
    assert cells(text, "Fit", "cnn accurate")[2] == "not measured"
    assert cells(text, "Accuracy", "cnn accurate")[4] == "not measured"


def test_growth_shows_all_sizes_of_an_algorithm_but_no_error_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        drawn.append(figure)
        return b""

    monkeypatch.setattr("benchmarks.report.growth.as_png", keep)
    record = {"algorithm": "svm", "size": 1_000, "fit_seconds": 1.0, "predict_seconds": 2.0}
    draw([{**record, "error": 0.01}, {**record, "size": 60_000, "fit_seconds": 9.0}], tmp_path / "growth.png")
    lines = [{line.get_label(): line for line in axes.lines}["svm"] for axes in drawn[0].axes]
    points = [np.asarray(line.get_xydata()).tolist() for line in lines]
    assert points == [[[1_000, 1], [60_000, 9]], [[1_000, 2], [60_000, 2]], [[1_000, 0.01]]]


def test_an_accuracy_at_the_target_reaches_it() -> None:
    assert is_accurate(100 * 0.9965, 99.65)
    assert not is_accurate(99.64, 99.65)


def test_a_ratio_is_that_of_a_pair_or_of_a_shared_peers_median() -> None:
    ours, peer = [{"s": 10}, {"s": 20}], [{"s": 100}, {"s": 140}]
    assert ratios(ROWS["svm"], ours, peer, "s") == [10, 7]
    assert ratios(ROWS["cnn accurate"], ours, peer, "s") == [12, 6]
    with pytest.raises(ValueError, match="longer than"):
        ratios(ROWS["svm"], ours[:1], peer, "s")
