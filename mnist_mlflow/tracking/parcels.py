"""Parcels: whole results of trainings in local folders, each kept until the store has all of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter

from mnist_mlflow.data.folders import data_folder
from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.evaluation.plots import LearningCurves
from mnist_mlflow.model.digit_model import check_links
from mnist_mlflow.processes import Owner, as_owner, is_gone, is_here, read_owner, temporary_folder, this_process
from mnist_mlflow.tracking.queries import RUN_ID
from mnist_mlflow.tracking.results import DataKey
from mnist_mlflow.tracking.store import project_root, store_uri

CONTENTS, OWNER = "parcel.json", "owner.json"
LAPSE = 3600.0  # seconds
FILLING, DISCARDED = ".filling-", ".discarded-"  # begin the names of folders that are no parcels
ARTIFACTS, MODEL, CODE = "artifacts", "digit_model.zip", "code"  # of a parcel


@dataclass(frozen=True)
class Contents:
    """The part of a parcel that is no file; `metrics` are those of the model on `data`."""

    run_id: str
    algorithm: str
    params: dict[str, str]
    tags: dict[str, str]
    model_tags: dict[str, str]
    metrics: dict[str, float]
    data: DataKey
    requirements: list[str]
    curves: LearningCurves = field(default_factory=dict)
    moments: dict[int, int] = field(default_factory=dict)  # milliseconds since the epoch, by step of the curves
    status: str = "FINISHED"  # of the run that has it all
    time_ms: int = field(default_factory=lambda: int(time.time() * 1000))


@dataclass(frozen=True)
class Parcel:
    """A folder with the result of a run of training."""

    folder: Path
    contents: Contents
    owner: Owner | None  # the process that sends it; None once that has failed
    store: str  # the address of the store that it is for, without its password

    @property
    def is_being_sent(self) -> bool:
        """True unless the process that sends it has failed or is gone; of one elsewhere an hour without end tells."""
        if self.owner is None or is_gone(self.owner):
            return False
        return is_here(self.owner) or time.time() - (self.folder / CONTENTS).stat().st_mtime < LAPSE

    @classmethod
    def read(cls, folder: Path) -> Parcel:
        """The parcel in a folder; raises UserFacingError if it is none."""
        try:
            check_links(folder)
            stored = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
            contents = TypeAdapter(Contents).validate_python(stored["contents"])
            return cls(folder, contents, as_owner(stored["owner"]), str(stored["store"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserFacingError(f"{folder / CONTENTS} cannot be read: {one_line(error)}") from error

    def write(self) -> None:
        """Write all but the files, in one step."""
        text = json.dumps({"contents": asdict(self.contents), "owner": self.owner, "store": self.store})
        beside = self.folder / f".{CONTENTS}"
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.folder / CONTENTS)


@contextlib.contextmanager
def packing(run_id: str) -> Iterator[Path]:
    """A folder to fill with the files of a parcel; it goes away if they are not complete."""
    if not RUN_ID.fullmatch(run_id):  # a server may call its runs as it likes, and what is there is deleted
        raise UserFacingError(f"{run_id!r} is no id of a run.")
    sweep()
    folder = _writable_folder() / f"{FILLING}{run_id}"
    discard(folder)  # of an earlier try
    (folder / ARTIFACTS).mkdir(parents=True)
    (folder / OWNER).write_text(json.dumps(this_process()), encoding="utf-8")
    try:
        yield folder
    except BaseException:
        discard(folder)
        raise


def close_parcel(folder: Path, contents: Contents) -> Parcel:
    """Make a filled folder a parcel of this process, for the store that is connected."""
    parcel = Parcel(folder, contents, this_process(), store_uri())
    parcel.write()
    place = folder.with_name(contents.run_id)
    discard(place)  # of an earlier try
    return replace(parcel, folder=folder.rename(place))


def discard(folder: Path) -> None:
    """Delete a folder, if it is there; a process that is killed meanwhile leaves a whole parcel or none."""
    with contextlib.suppress(FileNotFoundError):
        discarded = folder.rename(folder.with_name(f"{DISCARDED}{uuid4().hex}"))
        shutil.rmtree(discarded, ignore_errors=True)


def sweep() -> None:
    """Delete what processes that were killed have left half filled or half deleted."""
    for parent in _folders():
        for discarded in parent.glob(f"{DISCARDED}*"):
            shutil.rmtree(discarded, ignore_errors=True)
        for path in parent.glob(f"{FILLING}*/{OWNER}"):
            with contextlib.suppress(OSError, ValueError):  # another process deletes it too
                if is_gone(read_owner(path.read_text(encoding="utf-8"))):
                    discard(path.parent)


def unsent_parcels() -> list[Path]:
    """The folders that hold a parcel, the oldest first."""
    paths = [path for folder in _folders() for path in folder.glob(f"[!.]*/{CONTENTS}")]
    return [path.parent for path in sorted(paths, key=lambda path: path.stat().st_mtime)]


def move_parcels(unsent: Path) -> list[Path]:
    """Move the parcels in a folder that will go away to where parcels are looked for; returns their new folders."""
    moved = []
    for contents in unsent.glob(f"[!.]*/{CONTENTS}"):
        place = _writable_folder() / contents.parent.name
        discard(place)
        moved.append(Path(shutil.move(contents.parent, place)))
    return moved


def _folders() -> list[Path]:
    """The folders that may hold parcels: in the project, of the user, and where neither can be written."""
    temporary = temporary_folder()
    last = [temporary] if _is_ours(temporary) else []
    return [folder / "unsent" for folder in dict.fromkeys([project_root(), data_folder(), *last])]


def _is_ours(folder: Path) -> bool:
    """False for a folder among the temporary files that another user has made, or leads elsewhere."""
    try:
        made = folder.lstat()
    except OSError:
        return True
    return stat.S_ISDIR(made.st_mode) and (not hasattr(os, "getuid") or made.st_uid == os.getuid())


def _writable_folder() -> Path:
    for folder in _folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
    raise UserFacingError(f"Nothing can be written to any of {', '.join(map(str, _folders()))}. Make one writable.")
