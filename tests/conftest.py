"""Fixtures: a small data set, a store of one's own, and nothing from outside."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import mlflow
import numpy as np
import numpy.typing as npt
import pytest
from filelock import FileLock
from sqlalchemy import event
from sqlalchemy.engine import Engine

from mnist_mlflow.algorithms._novelty import learn_novelty
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, databases, load_dataset
from mnist_mlflow.data.source import digest_of
from mnist_mlflow.errors import MissingLibraryError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.tracking import store as store_module
from mnist_mlflow.types import Part, silent
from tests.order import long_ones_first
from tests.team import Team, end_keeper, shared_team

ROOT = Path(__file__).resolve().parents[1]
for _name in ("COLUMNS", "LINES"):  # which readline, in the processes of xdist, sets: no test has a terminal
    os.environ.pop(_name, None)
HAS_TENSORFLOW = find_spec("tensorflow") is not None
WITH_KERAS = ["algorithms/test_network.py", "algorithms/test_optimizer.py"]  # which import it
collect_ignore = [] if HAS_TENSORFLOW else WITH_KERAS

# `make check` leaves out tests that are `slow`: those with one of these fixtures (every store is a copy of
# `new_store`), those in modules that import one of these functions, faults, and those that are marked by hand.
SLOW_FIXTURES = {"new_store", "digits", "team"}
SLOW_IMPORTS = {
    "subprocess",
    "multiprocessing",
    "python",
    "start_python",
    "run_python",
    "train",
    "train_model",
    "launch",
    "Processes",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make faults` runs, and those that `make check` leaves out; long ones come first."""
    items[:] = long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for item in items:
        assert isinstance(item, pytest.Function)
        if "faults" in item.path.parts:
            item.add_marker("faults")
        names = {*item.fixturenames, *vars(item.module)}
        if names & (SLOW_FIXTURES | SLOW_IMPORTS) or item.get_closest_marker("faults"):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Skip a test that needs TensorFlow where there is none."""
    with skipped_without_tensorflow():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Skip a test that needs TensorFlow where there is none."""
    with skipped_without_tensorflow():
        return (yield)


@contextlib.contextmanager
def skipped_without_tensorflow() -> Iterator[None]:
    try:
        yield
    except MissingLibraryError as error:
        if HAS_TENSORFLOW:
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """500 of the bundled digits to learn from."""
    return load_dataset("digits", train_size=500)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def team(shared: Path) -> Team:
    """A server with logins, as deploy/ sets it up; all tests share it."""
    return shared_team(shared)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the team's server with the session."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        end_keeper(config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def cache(shared: Path) -> Iterator[None]:
    """A cache that is not the user's; features in it are locked while they are computed, so workers may share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def novelty_once() -> Iterator[None]:
    """What is no digit, learned once for the same images: it is the same for all algorithms, and takes a while."""
    learned: dict[str, tuple[Novelty, npt.NDArray[np.bool_]]] = {}

    def once(train: Part, tuning: Part) -> tuple[Novelty, npt.NDArray[np.bool_]]:
        if (digest := digest_of(train, tuning)) not in learned:
            learned[digest] = learn_novelty(train, tuning)
        return learned[digest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_mlflow.algorithms.abstention.learn_novelty", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Have SQLite not wait for the disk: tests kill processes, which is safe, and no machines."""

    def connected(connection: object, record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", connected)
    yield
    event.remove(Engine, "connect", connected)


@pytest.fixture(scope="session", autouse=True)
def runs_go_into_default() -> Iterator[None]:
    """Runs go into the experiment that every store has; tests/tracking/test_views.py tests where they go else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_mlflow.tracking.lifecycle.EXPERIMENT", "Default")
        yield


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MNIST_MLFLOW_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)  # is active: commands that are printed begin with `python`


@pytest.fixture(scope="session")
def new_store(shared: Path) -> Path:
    """An empty store, to be copied: MLflow takes seconds to create one."""
    folder = shared / "new-store"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            code = "from mnist_mlflow.tracking.store import connect; connect()"
            python(code, folder, MLFLOW_TRACKING_URI=f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


def place_store(new_store: Path, folder: Path) -> Path:
    """A copy of the empty store in a folder, as if it had been created there."""
    path = Path(shutil.copy(new_store, folder))
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", [f"{folder}/mlruns/0"])
    return path


def use_store(path: Path, patch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    uri = f"sqlite:///{path}"
    patch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    return store_module.connect()


@pytest.fixture
def store(new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    """A client of an empty store that nobody else uses."""
    yield from open_copy(new_store, tmp_path, monkeypatch)


@dataclass(frozen=True)
class Trained:
    """A store with runs in it, to be copied for each test."""

    path: Path
    outcomes: list[RunResult]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that no other test uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def nothing_is_drawn() -> Iterator[None]:
    """Pictures take longer than small trainings and searches: tests of them call `have_pictures_drawn`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_mlflow.jobs.recording.pictures", lambda *arguments: {})
        patch.setattr("mnist_mlflow.jobs.search.draw", lambda *arguments: None)
        yield


def have_pictures_drawn(patch: pytest.MonkeyPatch) -> None:
    """Have runs and searches draw their pictures, as they do outside of tests."""
    from mnist_mlflow.evaluation.plots import pictures
    from mnist_mlflow.search.plots import draw

    patch.setattr("mnist_mlflow.jobs.recording.pictures", pictures)
    patch.setattr("mnist_mlflow.jobs.search.draw", draw)


def train_into_copy(new_store: Path, folder: Path, *tasks: Task, drawn: bool = False) -> Trained:
    """A copy of the store with a run of each task; without pictures, unless they are to be drawn."""
    path = Path(shutil.copy(new_store, folder))
    with pytest.MonkeyPatch.context() as patch:
        use_store(path, patch)
        if drawn:
            have_pictures_drawn(patch)
        trained = Trained(path, [train(task, silent) for task in tasks])
    mlflow.set_tracking_uri(None)
    return trained


@pytest.fixture
def trained_store(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    """A client of a copy of what a module has `trained`."""
    yield from open_copy(trained.path, tmp_path, monkeypatch)


@pytest.fixture
def outcomes(trained: Trained) -> list[RunResult]:
    return trained.outcomes


def open_copy(original: Path, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[mlflow.MlflowClient]:
    yield use_store(Path(shutil.copy(original, folder)), patch)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def python(code: str, folder: Path, **environment: str) -> str:
    """What a fresh Python prints that runs the code in a folder; fails with its errors when it fails."""
    done = start_python(code, folder, **environment)
    try:
        output, errors = done.communicate(timeout=200)
    finally:
        done.kill()
    assert done.returncode == 0, errors
    return output


def start_python(code: str, folder: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "MLFLOW_EXPERIMENT_NAME": "Default", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def signals() -> Iterator[None]:
    """Whatever handlers of signals a test sets are gone after it."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    hook = sys.unraisablehook
    yield
    sys.unraisablehook = hook
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def command(
    signals: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Types a command: returns exit status, output and errors."""
    from mnist_mlflow.cli import commands as cli

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mnist-mlflow", *arguments])
        status: object = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        assert isinstance(status, int)
        return status, printed.out, printed.err

    return run


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """The engines of all database servers that a test opens, whose connections are closed at its end."""

    def wait_and_remember(engine: Engine) -> None:
        opened.append(engine)
        wait(engine)

    opened: list[Engine] = []
    wait = databases.wait_for_restarts
    monkeypatch.setattr(databases, "wait_for_restarts", wait_and_remember)
    yield opened
    for engine in opened:
        engine.dispose()
