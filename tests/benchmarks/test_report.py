import copy
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from benchmarks.measure import growth
from benchmarks.report.compare import interval, is_accurate, ratios
from benchmarks.report.page import goal, write_report
from benchmarks.report.tables import figure
from benchmarks.targets import ROWS

Records = list[dict[str, Any]]
MEASURED = {
    "date": "2026-01-02 03:04 UTC",
    "command": "python -m benchmarks",
    "commit": "0123456789",
    "machine": "a processor, 2 cores",
}


def records(accuracy: float, *seconds: tuple[float, float], **more: object) -> Records:
    common = {"accuracy": accuracy, "tested": 10_000, "learned": 45_000, "engine": "an engine 1.0"}
    common |= {"peak_mb": 400.0, "model_mb": 4.0, **more}
    return [{**common, "fit_seconds": fit, "predict_seconds": predict} for fit, predict in seconds]


def row(ours: Records, peer: Records | None = None) -> dict[str, Any]:
    return {"ours": ours, **({"peer": peer} if peer else {}), "measured": MEASURED}


RESULTS: dict[str, Any] = {
    "svm": row(
        records(0.9952, (10, 1), (20, 2), (10, 1)),
        records(0.9853, (100, 110), (100, 110), (140, 130), learned=60_000, model_mb=10.0),
    ),
    "cnn": row(records(0.9925, (50, 1)), records(0.9917, (300, 2), learned=60_000)),
    "cnn accurate": row(
        records(0.9960, (800, 3)) + records(0.9970, (900, 3)) + records(0.9974, (1000, 3)),
    ),
    "ensemble": {
        "models": {
            "svm": {
                "val_accuracy": 0.9967,
                "val_ece": 0.0012,
                "test_accuracy": 0.9952,
                "fit_seconds": 7,
                "weight": 0.1525,
            },
            "cnn accurate, seed 0": {
                "val_accuracy": 0.9965,
                "val_ece": 0.0055,
                "test_accuracy": 0.9968,
                "fit_seconds": 800,
                "weight": 0.0,
            },
            "ensemble": {
                "val_accuracy": 0.997,
                "val_ece": 0.001,
                "test_accuracy": 0.9971,
                "fit_seconds": 9,
                "weight": None,
            },
        },
        "measured": MEASURED,
    },
    "overhead": {
        "import_seconds": 0.02,
        "help_seconds": 0.61,
        "knn_imports_tensorflow": False,
        "models": {"svm": {"tracking_seconds": 2.5, "single_ms": 0.63, "batched_ms": 0.08}},
        "served": {"model": "svm", "median_ms": 3.5, "p95_ms": 5.25},
        "measured": MEASURED,
    },
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """The cells of each table, by title and by first cell."""
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, RESULTS)
    return {section.splitlines()[0]: tables(section) for section in text_of(folder).split("\n## ")}


def text_of(folder: Path) -> str:
    return (folder / "RESULTS.md").read_text()


def tables(section: str) -> dict[str, list[str]]:
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_an_accuracy_has_its_interval_its_target_and_its_peer(report: dict[str, dict[str, list[str]]]) -> None:
    svm = ["99.52", "99.36 to 99.64", "99.52 99.52 99.52", "98.53", "99.50", "reached", "45,000, 60,000"]
    assert report["Accuracy"]["svm"] == svm
    assert report["Accuracy"]["cnn"][5] == "not reached"


def test_seeds_are_averaged_and_compared_with_the_shared_peer(report: dict[str, dict[str, list[str]]]) -> None:
    seeds = "99.60 99.70 99.74"
    accurate = ["99.68", "99.55 to 99.77", seeds, "99.17", "99.65", "reached", "45,000, 60,000"]
    assert report["Accuracy"]["cnn accurate"] == accurate
    slower = ["900", "300", "0.333 (0.3 to 0.375)", "at most 3 times the peer's time", "reached"]
    assert report["Fit"]["cnn accurate"] == slower


def test_a_ratio_is_the_median_of_the_pairs_with_its_spread(report: dict[str, dict[str, list[str]]]) -> None:
    assert report["Fit"]["svm"] == ["10.0", "100", "10.0 (5 to 14.0)", "at least 8 times as fast", "reached"]
    predict = ["1", "110", "110 (55.0 to 130)", "at least 100 times as fast", "reached"]
    assert report["Prediction of 10,000 images"]["svm"] == predict


def test_a_target_that_is_missed_is_said_to_be(report: dict[str, dict[str, list[str]]]) -> None:
    assert report["Fit"]["cnn"] == ["50.0", "300", "6 (6 to 6)", "at least 8 times as fast", "not reached"]
    assert report["Prediction of 10,000 images"]["cnn"][-2:] == ["", ""]


def test_memory_size_and_engine_are_told(report: dict[str, dict[str, list[str]]]) -> None:
    same = ["400", "400", "1 (1 to 1)"]
    smaller = ["4", "10.0", "2.5 (2.5 to 2.5)"]
    assert report["Memory and size"]["svm"] == [*same, *smaller, "an engine 1.0"]


def test_a_peer_that_was_not_measured_is_said_to_be(tmp_path: Path) -> None:
    write_report(tmp_path, {"cnn accurate": RESULTS["cnn accurate"]})
    found = text_of(tmp_path)
    assert "## Ensemble" not in found
    assert tables(found.split("## Fit")[1].split("##")[0])["cnn accurate"][1] == "not measured"
    assert tables(found.split("## Accuracy")[1].split("##")[0])["cnn accurate"][3] == "not measured"


def test_the_ensemble_is_set_against_the_best_by_validation(tmp_path: Path) -> None:
    write_report(tmp_path, RESULTS)
    found = text_of(tmp_path)
    assert "99.71 % of the test images (99.58 to 99.80), to reach 99.70 %: reached." in found
    assert "by validation accuracy, svm, has 99.52 %" in found
    assert "is 0.55 points at most, to reach 0.5: not reached" in found
    lines = tables(found.split("## Ensemble")[1].split("##")[0])
    assert lines["svm"] == ["99.67", "0.12", "99.52", "7", "15.2"]
    assert [lines[name][-1] for name in ("cnn accurate, seed 0", "ensemble")] == ["", ""]
    assert "What limits it" not in found


def test_an_ensemble_that_falls_short_says_what_limits_it(tmp_path: Path) -> None:
    results = copy.deepcopy(RESULTS)
    results["ensemble"]["models"]["ensemble"]["test_accuracy"] = 0.9969
    write_report(tmp_path, results)
    assert "to reach 99.70 %: not reached." in text_of(tmp_path)
    assert "What limits it" in text_of(tmp_path)


def test_what_is_not_learning_is_judged(tmp_path: Path, report: dict[str, dict[str, list[str]]]) -> None:
    write_report(tmp_path, RESULTS)
    found = text_of(tmp_path)
    assert "- import: 0.02 s, below 0.5 s: reached" in found
    assert "- `--help`: 0.61 s, below 0.5 s: not reached" in found
    assert "- a kNN run imports no TensorFlow: reached" in found
    assert "(svm): 3.5 ms, 95 in 100 under 5.2 ms" in found
    assert report["What is not learning"]["svm"] == ["2.5", "0.63", "0.08"]


def test_each_part_says_when_and_where(report: dict[str, dict[str, list[str]]]) -> None:
    assert report["When and where"]["overhead"] == ["2026-01-02 03:04 UTC", "0123456789", "1", "`python -m benchmarks`"]


def test_growth_shows_a_line_for_each_algorithm_in_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    records = [
        {"algorithm": name, "size": size, "fit_seconds": 1.0, "predict_seconds": 2.0, "error": 0.01}
        for name in ("svm", "knn")
        for size in (1_000, 3_000)
    ]
    growth.draw([*records, {"algorithm": "svm", "size": 60_000, "fit_seconds": 9.0, "predict_seconds": 2.0}], tmp_path)
    lines = [{line.get_label(): line.get_xydata().tolist() for line in axes.lines} for axes in drawn[0].axes]
    assert [len(found["svm"]) for found in lines] == [3, 3, 2]
    assert lines[0]["svm"][-1] == [60_000, 9.0]
    assert lines[2]["knn"] == [[1_000, 0.01], [3_000, 0.01]]


def test_growth_is_drawn(tmp_path: Path) -> None:
    sizes = (1_000, 60_000)
    fits = [{"algorithm": "knn", "size": size, "fit_seconds": 1.0, "predict_seconds": size / 1_000} for size in sizes]
    write_report(tmp_path, {"growth": {"records": [fits[0] | {"error": 0.03}, fits[1]], "measured": MEASURED}})
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert "](growth.png)" in text_of(tmp_path)


def test_growth_takes_every_algorithm_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_task(task: str, **arguments: Any) -> dict[str, Any]:
        return {"task": task, "fit_seconds": 1.0, **arguments}

    monkeypatch.setattr(growth, "run_task", run_task)
    records = growth.measure_growth(0)["records"]
    assert {(record["algorithm"], record["size"]) for record in records} == {
        (name, size) for name in growth.ALGORITHMS for size in growth.SIZES
    }
    assert {record["size"] for record in growth.measure_growth(200)["records"]} == {200}


@pytest.mark.parametrize(
    ("target", "text"),
    [(None, ""), (1 / 3, "at most 3 times the peer's time"), (1, "no slower"), (8, "at least 8 times as fast")],
)
def test_a_target_of_time_is_put_in_words(target: float | None, text: str) -> None:
    assert goal(target) == text


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.0123")])
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_the_interval_is_wilsons() -> None:
    low, high = interval(99.0, 100)  # 99 of 100: by hand from Wilson's formula with z = 1.96
    assert low == pytest.approx(94.55, abs=0.01)
    assert high == pytest.approx(99.82, abs=0.01)


def test_an_accuracy_at_the_target_reaches_it() -> None:
    assert is_accurate(100 * 0.9965, 99.65)
    assert not is_accurate(99.64, 99.65)


def test_pairs_that_do_not_match_are_an_error() -> None:
    ours, peer = records(0.9, (1, 1)), records(0.9, (1, 1), (2, 2))
    with pytest.raises(ValueError, match="longer than"):
        ratios(ROWS["svm"], ours, peer, "fit_seconds")
