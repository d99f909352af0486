"""Processes of this machine as workers; a small program takes the place of ours, which takes seconds to start."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mnist_mlflow.search.machine import Processes
from mnist_mlflow.search.workers import Command, Ending, Reason, Shown, without_label

PROGRAM = """
import os, signal, sys, time
match sys.argv[1:]:
    case ["share", path]:
        threads, policy = os.environ["OMP_NUM_THREADS"], os.environ.get("OMP_WAIT_POLICY", "")
        open(path, "w").write(f"{sorted(os.sched_getaffinity(0))} {threads}{policy}")
    case ["fail"]:
        print("a figure")
        sys.exit("Warning: beware\\nError: no such data\\nHelp: --help")
    case ["width"]:
        print(os.environ.get("COLUMNS", ""))
    case ["die"]:
        os.kill(os.getpid(), signal.SIGKILL)
    case ["sleep", path, *stubborn]:
        def close(number, frame):
            open(path, "a").write("closed")
            if not stubborn:
                sys.exit(143)
        signal.signal(signal.SIGTERM, close)
        open(path, "w").write("ready ")
        time.sleep(60)
        time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[..., Processes]]:
    """Makes workers that run the small program."""
    package = tmp_path / "mnist_mlflow"
    package.mkdir()
    (package / "__main__.py").write_text(PROGRAM)
    (package / "__init__.py").touch()
    made: list[Processes] = []

    def make(count: int = 1, *, shares: bool = True) -> Processes:
        made.append(Processes(count, folder=tmp_path, shares=shares))
        return made[-1]

    yield make
    for workers in made:
        workers.end(0.0)


def endings_of(workers: Processes, count: int) -> list[Ending]:
    endings: list[Ending] = []
    deadline = time.monotonic() + 20
    while len(endings) < count and time.monotonic() < deadline:
        endings += workers.wait(1.0)
    return endings


def until_ready(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text().startswith("ready")) and time.monotonic() < deadline:
        time.sleep(0.02)


def start(workers: Processes, *arguments: object, shown: Shown = Shown.NOTHING) -> int:
    return workers.start(Command(tuple(map(str, arguments)), {}, "label", shown))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be told apart")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")
def test_each_has_cores_and_threads_of_its_own(processes: Callable[..., Processes], tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    workers = processes(count)
    for number in range(count):
        start(workers, "share", tmp_path / f"{number}")
    assert [ending.status for ending in endings_of(workers, count)] == [0] * count
    shares = {(tmp_path / f"{number}").read_text() for number in range(count)}
    assert shares == {f"[{core}] 1" for core in os.sched_getaffinity(0)}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be told apart")
@pytest.mark.parametrize(
    ("options", "policy"), [({"count": 1}, ""), ({"count": 2, "shares": False}, "passive")], ids=["alone", "no shares"]
)
def test_one_alone_has_them_all_and_so_has_each_of_several_without_shares(
    processes: Callable[..., Processes],
    tmp_path: Path,
    options: dict[str, int],
    policy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")  # which a share would replace
    workers = processes(**options)
    for number in range(workers.count):
        start(workers, "share", tmp_path / f"{number}")
    assert [ending.status for ending in endings_of(workers, workers.count)] == [0] * workers.count
    cores = sorted(os.sched_getaffinity(0))
    assert {path.read_text() for path in tmp_path.glob("[01]")} == {f"{cores} 5{policy}"}


@pytest.mark.parametrize(
    ("shown", "output", "errors"),
    [
        (Shown.LINES, "label: a figure\n", "label: Warning: beware\nlabel: Error: no such data\nlabel: Help: --help\n"),
        (Shown.ERRORS, "", "label: Warning: beware\nlabel: Error: no such data\nlabel: Help: --help\n"),
        (Shown.NOTHING, "", ""),
    ],
)
def test_the_lines_of_several_are_told_apart(
    processes: Callable[..., Processes],
    shown: Shown,
    output: str,
    errors: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workers = processes(2)
    start(workers, "fail", shown=shown)
    (ending,) = endings_of(workers, 1)
    assert (ending.status, ending.error, ending.is_lost) == (1, "no such data", False)
    assert capsys.readouterr() == (output, errors)


def test_a_line_does_not_say_its_label_again() -> None:
    assert without_label("knn       val_accuracy 0.98", "knn") == "val_accuracy 0.98"
    assert [without_label(line, "knn") for line in ("knnn x", "  knn", "svm x")] == ["knnn x", "  knn", "svm x"]


@pytest.mark.parametrize(("columns", "room"), [("80", "73"), ("20", "40"), ("", "")])
def test_lines_behind_a_label_have_the_rest_of_the_width(
    processes: Callable[..., Processes],
    columns: str,
    room: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    workers = processes()
    start(workers, "width", shown=Shown.LINES)
    endings_of(workers, 1)
    assert capsys.readouterr().out == f"label: {room}\n"


def test_one_that_is_killed_is_lost_and_its_slot_is_free(processes: Callable[..., Processes]) -> None:
    workers = processes(1)
    for _ in range(2):
        start(workers, "die")
        (ending,) = endings_of(workers, 1)
        assert ending.is_lost
    assert workers.wait(0.0) == []


def test_at_the_end_each_closes_what_it_has_begun_or_is_killed(
    processes: Callable[..., Processes], tmp_path: Path
) -> None:
    workers, paths = processes(2), [tmp_path / "quick", tmp_path / "stubborn"]
    for path in paths:
        start(workers, "sleep", path, *(["stubborn"] if path.name == "stubborn" else []))
    for path in paths:
        until_ready(path)
    workers.end(1.0)
    assert [path.read_text() for path in paths] == ["ready closed", "ready closed"]
    assert not any(map(psutil.pid_exists, workers.pids))


def test_ctrl_c_in_the_terminal_does_not_reach_those_that_are_not_shown_as_typed_there(
    processes: Callable[..., Processes], tmp_path: Path
) -> None:
    workers = processes(1)
    start(workers, "sleep", tmp_path / "path")
    until_ready(tmp_path / "path")
    (pid,) = workers.pids
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGTERM)
    (ending,) = endings_of(workers, 1)
    assert (ending.status, ending.is_lost) == (143, True)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Traceback", "KeyError: 'x'", " "], "KeyError: 'x'"),
        (["warning", "Error: no such data", "Accepted: digits"], "no such data"),
        ([], ""),
    ],
)
def test_the_reason_is_the_error_for_people_or_else_the_last_line(lines: list[str], reason: str) -> None:
    told = Reason()
    for line in lines:
        told.read(line)
    assert str(told) == reason
