import json
import re
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks import __main__ as program
from benchmarks import results
from benchmarks.measure import rows
from benchmarks.measure.store import Store
from benchmarks.targets import ROWS

HERE = Path(program.__file__).parent


class Machine:
    """Takes the place of fresh processes: remembers the tasks, and the time that each takes."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, dict[str, Any]]] = []
        self.seconds, self.now = 1.0, 0.0

    def run_task(self, task: str, **arguments: Any) -> dict[str, Any]:
        self.tasks.append((task, arguments))
        self.now += self.seconds
        figures = {"accuracy": 0.99, "tested": 10_000, "learned": 45_000, "engine": "an engine", "peak_mb": 1.0}
        return figures | {"fit_seconds": 20.0 if task == "rows.peer" else 10.0, "predict_seconds": 1.0, "model_mb": 1.0}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine()
    monkeypatch.setattr(program, "HERE", tmp_path)
    monkeypatch.setattr(rows, "run_task", machine.run_task)
    monkeypatch.setattr(rows, "monotonic", lambda: machine.now)
    return machine


# The rooms that each may import; tasks are started by their names, so that their libraries stay out of this process.
IMPORTS = {
    "__main__": {"measure", "report", "results", "targets"},
    "report": {"report", "results", "targets"},
    "measure": {"measure", "process", "results", "targets"},
    "tasks": {"tasks", "peers", "process", "targets"},
    "peers": {"peers"},
    "results": {"process"},
}


@pytest.mark.parametrize("path", [*HERE.rglob("*.py")], ids=lambda path: str(path.relative_to(HERE)))
def test_imports_run_downwards_only(path: Path) -> None:
    room = path.relative_to(HERE).parts[0].removesuffix(".py")
    assert {*re.findall(r"^ *from benchmarks\.(\w+)", path.read_text(), re.M)} <= IMPORTS.get(room, set())


def test_every_task_that_is_run_exists() -> None:
    measuring = "".join(path.read_text() for path in (HERE / "measure").glob("*.py"))
    tasks = set(re.findall(r'\("(\w+)\.(\w+)"', measuring))
    assert len(tasks) >= 10
    assert all(hasattr(import_module(f"benchmarks.tasks.{module}"), name) for module, name in tasks)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(program.main, arguments)


def test_a_part_that_does_not_exist_is_refused_with_those_that_do(machine: Machine) -> None:
    result = typed("--only", "svm,nonsense")
    assert result.exit_code == 2
    assert "there is no 'nonsense'; accepted: logistic, knn, " in result.output
    assert "cnn accurate, ensemble, main, overhead, growth" in result.output
    assert machine.tasks == []


def test_ours_and_the_peers_take_turns(machine: Machine, tmp_path: Path) -> None:
    assert typed("--only", "knn", "--repeats", "2").exit_code == 0
    assert [task for task, _ in machine.tasks] == ["rows.ours", "rows.peer"] * 2
    assert {arguments["row"] for _, arguments in machine.tasks} == {"knn"}
    assert [arguments.get("seed") for _, arguments in machine.tasks] == [0, None, 1, None]
    assert "2 (2 to 2)" in (tmp_path / "RESULTS.md").read_text()


@pytest.mark.parametrize(("seconds", "pairs"), [(10, 3), (200, 2), (1_000, 2)])
def test_a_slow_row_is_repeated_less_often(machine: Machine, seconds: float, pairs: int) -> None:
    machine.seconds = seconds
    rows.measure_row(ROWS["xgboost"], 3, Store(Path(), 0))
    assert [task for task, _ in machine.tasks] == ["rows.ours", "rows.peer"] * pairs


def test_a_row_with_seeds_runs_ours_alone_with_each_in_the_store(machine: Machine) -> None:
    store = Store(Path("/folder"), 0)
    assert list(rows.measure_row(ROWS["cnn accurate"], 3, store)) == ["ours"]
    expected = [("tracked.ours", seed, store.uri) for seed in range(3)]
    assert [(task, arguments["seed"], arguments["store"]) for task, arguments in machine.tasks] == expected


def test_some_parts_leave_the_others_as_they_were(machine: Machine, tmp_path: Path) -> None:
    assert typed("--only", "knn,svm", "--repeats", "1").exit_code == 0
    before = json.loads((tmp_path / "results.json").read_text())
    assert typed("--only", "svm", "--repeats", "2").exit_code == 0
    after = json.loads((tmp_path / "results.json").read_text())
    assert after["knn"] == before["knn"]
    assert (len(before["svm"]["ours"]), len(after["svm"]["ours"])) == (1, 2)
    assert {"knn", "svm"} == set(re.findall(r"^\| (\w+) +\| 99", (tmp_path / "RESULTS.md").read_text(), re.M))


def test_an_interruption_loses_nothing_that_was_measured(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_task(task: str, **arguments: Any) -> dict[str, Any]:
        if arguments["row"] == "svm":
            raise KeyboardInterrupt
        return machine.run_task(task, **arguments)

    monkeypatch.setattr(rows, "run_task", run_task)
    assert typed("--only", "knn,svm", "--repeats", "1").exit_code == 1
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["knn"]
    assert "| knn " in (tmp_path / "RESULTS.md").read_text()


def test_a_look_at_few_images_leaves_the_figures_alone(
    machine: Machine, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("elsewhere")))
    result = typed("--only", "knn", "--repeats", "1", "--train_size", "500")
    assert result.exit_code == 0
    assert {arguments["train_size"] for _, arguments in machine.tasks} == {500}
    assert list(tmp_path.iterdir()) == []
    assert Path(result.output.split("Written: ")[1].strip()).is_file()


def test_the_figures_say_how_they_came_about(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["-m", "--only", "cnn accurate"])
    assert typed("--only", "cnn accurate").exit_code == 0
    measured = results.load(tmp_path)["cnn accurate"]["measured"]
    assert measured["command"] == "python -m benchmarks --only 'cnn accurate'"
    assert re.fullmatch(r"[0-9a-f]{10}(, with changes)?|unknown", measured["commit"])
    assert re.search(r"cores; Python 3\..*scikit-learn 1\.", measured["machine"])
