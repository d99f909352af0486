import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import parcels
from mnist_mlflow.tracking.parcels import Contents, Parcel, close_parcel, discard, packing, sweep, unsent_parcels
from mnist_mlflow.tracking.results import DataKey


@pytest.fixture(autouse=True)
def unsent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parcels, "_folders", lambda: [tmp_path])
    return tmp_path


def fill(run_id: str) -> Parcel:
    with packing(run_id) as folder:
        (folder / "artifacts" / "a").touch()
        return close_parcel(folder, Contents(run_id, "knn", {}, {}, {}, {"a": 1.0}, DataKey("b", "c"), []))


def test_a_parcel_is_there_when_it_is_whole(unsent: Path) -> None:
    filling = packing("one")
    folder = filling.__enter__()
    assert folder.exists()
    assert not unsent_parcels()
    assert not filling.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not folder.exists()
    fill("two")
    assert unsent_parcels() == [unsent / "two"]
    assert (unsent / "two" / "artifacts" / "a").exists()


@pytest.mark.parametrize("born", [0.0, this_process()["born"]], ids=["gone", "alive"])
def test_what_a_killed_process_has_filled_in_part_is_deleted_and_no_other(unsent: Path, born: float) -> None:
    folder = unsent / ".filling-one"
    folder.mkdir()
    (folder / "owner.json").write_text(json.dumps({**this_process(), "born": born}))
    (folder / "parcel.json").touch()
    assert not unsent_parcels()
    fill("two")
    assert folder.exists() == (born > 0)


def test_what_a_killed_process_has_deleted_in_part_is_no_parcel_and_is_deleted(
    unsent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("one")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *arguments, **options: None)
        discard(unsent / "one")
    assert not unsent_parcels()
    assert list(unsent.iterdir())
    sweep()
    assert not list(unsent.iterdir())
    discard(unsent / "one")  # which is gone


def test_a_parcel_that_a_process_elsewhere_sends_is_free_after_an_hour() -> None:
    """A container that was killed tells nobody."""
    here = fill("one")
    elsewhere = replace(here, owner={**this_process(), "pids": "pid:[1]"})
    elsewhere.write()
    assert here.is_being_sent
    assert Parcel.read(here.folder).is_being_sent
    os.utime(here.folder / "parcel.json", (0, 0))
    assert here.is_being_sent
    assert not Parcel.read(here.folder).is_being_sent
