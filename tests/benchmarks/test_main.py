import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks import __main__ as program
from benchmarks import results
from benchmarks.measure.store import Store
from benchmarks.targets import ROWS


class Machine:
    """Takes the place of fresh processes: keeps what was asked for, and the time that each takes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.seconds, self.now = 1.0, 0.0

    def run_task(self, task: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append((task, arguments))
        self.now += self.seconds
        figures = {"accuracy": 0.99, "tested": 10_000, "learned": 45_000, "engine": "an engine", "peak_mb": 1.0}
        return figures | {"fit_seconds": 20.0 if task == "peer" else 10.0, "predict_seconds": 1.0, "model_mb": 1.0}

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine()
    monkeypatch.setattr(program, "HERE", tmp_path)
    monkeypatch.setattr(program, "run_task", machine.run_task)
    monkeypatch.setattr(program, "monotonic", machine.monotonic)
    return machine


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(program.main, arguments)


def test_a_part_that_is_not_there_is_refused_with_those_that_are(machine: Machine) -> None:
    result = typed("--only", "svm,nonsense")
    assert result.exit_code == 2
    assert "there is no 'nonsense'; accepted: logistic, knn, " in result.output
    assert "cnn accurate, ensemble, overhead, growth" in result.output
    assert machine.asked == []


def test_ours_and_the_peers_take_turns(machine: Machine, tmp_path: Path) -> None:
    assert typed("--only", "knn", "--repeats", "2").exit_code == 0
    assert [task for task, _ in machine.asked] == ["ours", "peer", "ours", "peer"]
    assert {arguments["row"] for _, arguments in machine.asked} == {"knn"}
    assert [arguments.get("seed") for _, arguments in machine.asked] == [0, None, 1, None]
    assert "2 (2 to 2)" in (tmp_path / "RESULTS.md").read_text()


@pytest.mark.parametrize(("seconds", "pairs"), [(10, 3), (200, 2), (1_000, 2)])
def test_a_slow_row_is_repeated_less_often(machine: Machine, seconds: float, pairs: int) -> None:
    machine.seconds = seconds
    program.measure_row(ROWS["xgboost"], 3, Store(Path(), 0))
    assert [task for task, _ in machine.asked] == ["ours", "peer"] * pairs


def test_a_row_with_seeds_runs_ours_alone_with_each_in_the_store(machine: Machine) -> None:
    store = Store(Path("/folder"), 0)
    figures = program.measure_row(ROWS["cnn accurate"], 3, store)
    assert list(figures) == ["ours"]
    assert [(task, arguments["seed"]) for task, arguments in machine.asked] == [("tracked", seed) for seed in range(3)]
    assert {arguments["store"] for _, arguments in machine.asked} == {store.uri}


def test_only_some_leaves_the_others_as_they_were(machine: Machine, tmp_path: Path) -> None:
    assert typed("--only", "knn,svm", "--repeats", "1").exit_code == 0
    before = json.loads((tmp_path / "results.json").read_text())
    assert typed("--only", "svm", "--repeats", "2").exit_code == 0
    after = json.loads((tmp_path / "results.json").read_text())
    assert after["knn"] == before["knn"]
    assert (len(before["svm"]["ours"]), len(after["svm"]["ours"])) == (1, 2)
    report = (tmp_path / "RESULTS.md").read_text()
    assert "| knn " in report
    assert "| svm " in report


def test_an_interruption_keeps_what_was_measured(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_task(task: str, **arguments: Any) -> dict[str, Any]:
        if arguments["row"] == "svm":
            raise KeyboardInterrupt
        return machine.run_task(task, **arguments)

    monkeypatch.setattr(program, "run_task", run_task)
    assert typed("--only", "knn,svm", "--repeats", "1").exit_code == 1
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["knn"]
    assert "| knn " in (tmp_path / "RESULTS.md").read_text()


def test_a_look_at_few_images_leaves_the_figures_alone(
    machine: Machine, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("elsewhere")))
    result = typed("--only", "knn", "--repeats", "1", "--train_size", "500")
    assert result.exit_code == 0
    assert {arguments["train_size"] for _, arguments in machine.asked} == {500}
    assert list(tmp_path.iterdir()) == []
    written = Path(result.output.split("Written: ")[1].strip())
    assert written.is_file()


@pytest.mark.parametrize(("changes", "expected"), [("", "0123456789"), (" M cli.py", "0123456789, with changes")])
def test_changes_since_the_commit_are_told(changes: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_git", lambda command, *rest: changes if command == "status" else "0123456789")
    assert results.commit() == expected


def test_the_figures_say_how_they_came_about(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["-m", "--only", "cnn accurate"])
    assert typed("--only", "cnn accurate").exit_code == 0
    measured = json.loads((tmp_path / "results.json").read_text())["cnn accurate"]["measured"]
    assert measured["command"] == "python -m benchmarks --only 'cnn accurate'"
    assert "cores; Python 3." in measured["machine"]
    assert re.fullmatch(r"[0-9a-f]{10}(, with changes)?|unknown", measured["commit"])
    assert "scikit-learn 1." in measured["machine"]
