"""Stores from which something has vanished: whatever it is, one can choose, report and roll back."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs import report, select
from mnist_mlflow.jobs.rollback import Rollback
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.types import silent
from tests.conftest import Trained, open_copy, train_into_copy
from tests.selected import choose, connected
from tests.simulated import Client

RUN_TABLES = ("metrics", "latest_metrics", "params", "tags", "runs")
MODEL_TABLES = ("logged_model_metrics", "logged_model_params", "logged_model_tags", "logged_models")
NO_CHAMPION = "There is no champion of mnist-digits to report on"
NO_PREVIOUS = "There is no previous champion of mnist-digits to go back to"


@pytest.fixture(scope="module")
def chosen(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A bad model that is previous, a good one that is champion, and one from a search that is challenger."""
    small, searched = DataOptions("digits", train_size=200), DataOptions("digits", train_size=200, trials=1)
    trained = train_into_copy(
        new_store,
        tmp_path_factory.mktemp("chosen"),
        Task("knn", {"n_neighbors": 60, "weights": "uniform"}, small),
        Task("logistic", {"max_iter": 300}, small),
        Task("forest", {"n_estimators": 2}, searched),
    )
    with connected(trained.path):
        for algorithm in ("knn", "logistic", "forest"):
            choose(algorithms=algorithm)
    return trained


@dataclass(frozen=True)
class Scene:
    """A store, with the version that has an alias, its run, and the run of its selection."""

    client: Client
    path: Path
    alias: str

    @property
    def version(self) -> Any:
        return Registry(self.client).version(self.alias)

    def artifacts(self, run_id: str) -> Path:
        return folder_of(self.client.get_run(run_id).info.artifact_uri)

    def delete_rows(self, column: str, value: str, *tables: str) -> None:
        """Delete rows as `mlflow gc` does, or somebody with a database client."""
        with contextlib.closing(sqlite3.connect(self.path)) as database, database:
            for table in tables:
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", [value])


def folder_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


@contextlib.contextmanager
def hidden(path: Path) -> Iterator[None]:
    """A file or folder that is gone inside; other tests have the same one."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)  # what was written there meanwhile
        aside.rename(path)


def vanish(scene: Scene, what: str, stack: contextlib.ExitStack) -> None:
    """Let a run or files of one vanish, or something else, until the stack is left."""
    client, version = scene.client, scene.version
    run_id, selection = version.run_id, version.tags["selection_run_id"]
    match what:
        case "run":
            client.delete_run(run_id)
        case "collected run":
            stack.enter_context(hidden(scene.artifacts(run_id)))
            scene.delete_rows("run_uuid", run_id, *RUN_TABLES)
        case "probabilities":
            stack.enter_context(hidden(scene.artifacts(run_id) / "validation_probabilities.npz"))
        case "selection":
            stack.enter_context(hidden(scene.artifacts(selection)))
            scene.delete_rows("run_uuid", selection, *RUN_TABLES)
        case "decision":
            stack.enter_context(hidden(scene.artifacts(selection)))
        case _:
            vanish_from_registry(scene, what, stack)


def vanish_from_registry(scene: Scene, what: str, stack: contextlib.ExitStack) -> None:
    """Let a model, a version, or an alias of one vanish, until the stack is left."""
    client, version = scene.client, scene.version
    model_id = version.source.removeprefix("models:/")
    match what:
        case "model":
            client.delete_logged_model(model_id)
        case "collected model":
            stack.enter_context(hidden(folder_of(client.get_logged_model(model_id).artifact_location)))
            scene.delete_rows("model_id", model_id, *MODEL_TABLES)
        case "version":
            client.delete_model_version(version.name, version.version)
        case "version's row":
            scene.delete_rows("version", version.version, "model_version_tags", "model_versions")
        case "alias":
            client.delete_registered_model_alias(version.name, scene.alias)
        case "registered model":
            client.delete_registered_model(version.name)


@dataclass(frozen=True)
class Outcome:
    """What is on the report, what a rollback answers, and the champion after a selection."""

    reported: str = "Leaderboard"
    rolled_back: str = "('1', '2')"
    champion: str = "logistic"


GONE = {
    ("run", CHAMPION): Outcome(),
    ("collected run", CHAMPION): Outcome("the run is gone, and its validation_probabilities.npz with it"),
    ("probabilities", CHAMPION): Outcome("the run has no validation_probabilities.npz that can be read"),
    ("selection", CHAMPION): Outcome("the run is gone, and its decision.json with it"),
    ("decision", CHAMPION): Outcome("the run has no decision.json that can be read"),
    ("model", CHAMPION): Outcome(),
    ("collected model", CHAMPION): Outcome(champion="knn"),
    ("version's row", CHAMPION): Outcome(NO_CHAMPION, "('1', '')"),
    ("alias", CHAMPION): Outcome(NO_CHAMPION, "('1', '')"),
    ("registered model", CHAMPION): Outcome(NO_CHAMPION, NO_PREVIOUS),
    ("collected run", CHALLENGER): Outcome(),
    ("collected model", CHALLENGER): Outcome(),
    ("collected model", PREVIOUS): Outcome(rolled_back="The previous champion cannot be put back"),
    ("version", PREVIOUS): Outcome(rolled_back=NO_PREVIOUS),
}


@pytest.fixture
def scene(
    chosen: Trained, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    """A copy of the store from which something has vanished."""
    what, alias = request.param
    for client in open_copy(chosen.path, tmp_path, monkeypatch):
        scene = Scene(client, tmp_path / chosen.path.name, alias)
        with contextlib.ExitStack() as stack:
            vanish(scene, what, stack)
            yield scene


cases = pytest.mark.parametrize(
    ("scene", "outcome"), GONE.items(), indirect=["scene"], ids=[" of ".join(what) for what in GONE]
)


def report_on(folder: Path) -> str:
    """The report, or the line that is said instead."""
    try:
        return report.run(report.Params(out=folder / "report.html"), silent).read_text(encoding="utf-8")
    except UserFacingError as error:
        return str(error)


@cases
def test_one_reports_and_chooses_and_reports_again(scene: Scene, outcome: Outcome, tmp_path: Path) -> None:
    assert outcome.reported in report_on(tmp_path)
    selection = choose()
    version: Any = Registry(scene.client).version(CHAMPION)
    assert version.tags["algorithm"] == outcome.champion
    if selection.decision.verdict.alias == CHAMPION:
        assert selection.decision.choice.winner.candidate.algorithm == outcome.champion
    page = report_on(tmp_path)
    assert f"version {version.version}: {outcome.champion}" in page
    assert "mlflow run . -e" in page  # its parameters are known still


@cases
def test_one_goes_back(scene: Scene, outcome: Outcome) -> None:
    before = Registry(scene.client).aliases()
    try:
        rollback = select.run(select.Params(rollback=True), silent)
        assert isinstance(rollback, Rollback)
        answer = str((rollback.restored, rollback.taken_back))
        assert Registry(scene.client).aliases()[CHAMPION] == rollback.restored
    except UserFacingError as error:
        answer = str(error)
        assert Registry(scene.client).aliases() == before
    assert answer.startswith(outcome.rolled_back)
