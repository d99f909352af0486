import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking import checks
from mnist_mlflow.tracking.relocation import Move, find_moves, missing_folders, rewrite_addresses
from tests.conftest import use_store

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an underscore and a space in its name, and a store in it with a run that holds a file."""
    folder = tmp_path / "old_place of it"
    folder.mkdir()
    client = use_store(folder / "mlflow.db", monkeypatch)
    run = client.create_run("0")
    client.log_text(run.info.run_id, "kept", "note.txt")
    client.create_registered_model("digits")
    client.create_model_version("digits", f"{run.info.artifact_uri}/model", run.info.run_id)
    mlflow.set_tracking_uri(None)
    yield folder
    mlflow.set_tracking_uri(None)


def addresses(store: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(store)) as database:
        rows = database.execute(
            "SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs "
            "UNION SELECT source FROM model_versions UNION SELECT storage_location FROM model_versions"
        )
        return [text for (text,) in rows if text]


def test_a_store_where_it_was_made_has_not_moved(original: Path) -> None:
    assert find_moves(original / "mlflow.db") == []


@pytest.mark.parametrize("copied", [False, True], ids=["moved", "copied"])
def test_a_moved_store_works_again_after_its_addresses_are_rewritten(
    original: Path, tmp_path: Path, copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    (shutil.copytree if copied else shutil.move)(original, new)
    store = new / "mlflow.db"
    moves = find_moves(store)
    assert moves == [Move(original, new)]
    backup = rewrite_addresses(store, moves)
    assert find_moves(store) == []
    assert str(original) in "".join(addresses(backup))
    assert all(text.startswith(str(new)) for text in addresses(store))
    client = use_store(store, monkeypatch)
    (run,) = client.search_runs(["0"])
    assert Path(run.info.artifact_uri, "note.txt").read_text() == "kept"


def test_artifacts_that_are_gone_are_missing_and_have_not_moved(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is not mounted: nobody may rewrite their addresses, or write where they were."""
    new = tmp_path / "new"
    new.mkdir()
    store = Path(shutil.copy(original / "mlflow.db", new))
    assert (find_moves(store), missing_folders(store)) == ([], [])  # they are where the store says
    original.rename(tmp_path / "not mounted")
    assert (find_moves(store), missing_folders(store)) == ([], [original])
    with pytest.raises(UserFacingError, match=r"is not there\. Mount or restore it; .* mkdir -p '.*old_place of it'"):
        use_store(store, monkeypatch)
    finding = checks.check_artifacts()
    assert (finding.mend, "Mount or restore" in finding.remedy) == (None, True)
    original.mkdir()
    assert missing_folders(store) == []


def test_an_experiment_without_runs_has_moved_with_its_store(original: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    store = Path(shutil.copy(original / "mlflow.db", new))
    with contextlib.closing(sqlite3.connect(store)) as database, database:
        for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
            database.execute(f"DELETE FROM {table}")
    shutil.rmtree(original)
    assert find_moves(store) == [Move(original, new)]


def test_artifacts_that_are_kept_elsewhere_on_purpose_have_not_moved(original: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "artifacts" / "mlruns" / "0"
    elsewhere.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(original / "mlflow.db")) as database:
        database.execute("UPDATE experiments SET artifact_location = ?", (f"file://{elsewhere}",))
        database.commit()
    shutil.rmtree(original / "mlruns")
    assert find_moves(original / "mlflow.db") == []


def test_addresses_of_other_stores_stay_as_they_are(original: Path) -> None:
    with contextlib.closing(sqlite3.connect(original / "mlflow.db")) as database:
        database.execute("UPDATE experiments SET artifact_location = 's3://bucket/0'")
        database.commit()
    assert find_moves(original / "mlflow.db") == []


def test_a_rewriting_that_fails_changes_nothing(original: Path, tmp_path: Path) -> None:
    store = original / "mlflow.db"
    before = addresses(store)
    with contextlib.closing(sqlite3.connect(store)) as database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        rewrite_addresses(store, [Move(original, tmp_path / "new")])
    assert addresses(store) == before
