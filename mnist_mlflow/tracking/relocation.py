"""Stores whose folder was moved: MLflow keeps the addresses of artifacts as absolute paths."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

TABLES = ("experiments", "runs", "logged_models", "model_versions")  # all that hold addresses of artifacts
TAIL = 2  # parts: an experiment's artifacts lie in `mlruns/ID`


@dataclass(frozen=True, order=True)
class Move:
    """A folder that the addresses of a store name, and the one that took its place."""

    old: Path
    new: Path

    def __str__(self) -> str:
        return f"artifacts are looked for in {self.old}, the store lies in {self.new}"


def find_moves(store: Path) -> list[Move]:
    """The moves that explain the artifact addresses of a SQLite store, the outermost folder last.

    An experiment has moved if the end of its address lies beside the store. One without runs has moved if its folder
    is gone. Addresses of other machines and stores (`s3://…`) stay out.
    """
    return sorted({place for place in _misplaced(store) if isinstance(place, Move)}, reverse=True)


def missing_folders(store: Path) -> list[Path]:
    """The folders of artifacts that are gone, and are not beside the SQLite store: a disk may not be mounted."""
    return sorted({place for place in _misplaced(store) if isinstance(place, Path)})


def missing_artifacts(folder: Path) -> str:
    """The message about such a folder, with what to type."""
    return (
        f"Artifacts of the store are looked for in {folder}, which is not there. Mount or restore it; "
        f"if it is lost for good, type: mkdir -p {shlex.quote(str(folder))}"
    )


def rewrite_addresses(store: Path, moves: Iterable[Move]) -> Path:
    """Rewrite all addresses of a SQLite store in one transaction; returns the backup that was made before.

    Every text column of experiments, runs, logged models and versions that begins with an old folder gets the new one.
    """
    backup = store.with_name(f"{store.name}.backup-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as database:
        with contextlib.closing(sqlite3.connect(backup)) as target:
            database.backup(target)
        database.execute("BEGIN IMMEDIATE")
        try:
            for move in moves:
                _rewrite(database, str(move.old), str(move.new))
                _rewrite(database, _file_uri(move.old), _file_uri(move.new))
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
    return backup


def _rewrite(database: sqlite3.Connection, old: str, new: str) -> None:
    for table in TABLES:
        for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            if kind.upper().startswith(("VARCHAR", "TEXT")):
                # Not LIKE, for which the underscores of a path are wildcards.
                database.execute(
                    f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                    f"WHERE substr({column}, 1, length(:old) + 1) = :old || '/'",
                    {"old": old, "new": new},
                )


def _misplaced(store: Path) -> Iterator[Move | Path]:
    """The moves of experiments, and the folders of those that are gone."""
    home = store.parent
    with _reading(store) as database:
        for number, address in database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall():
            path = _local_path(address or "")
            if path is None or path.is_relative_to(home):
                continue
            around = Path(*path.parts[:-TAIL])  # an experiment without artifacts has no folder of its own yet
            if move := _move_beside(path, home):
                yield move
            elif not around.is_dir():
                yield around if _has_runs(database, number) else Move(around, home)


def _has_runs(database: sqlite3.Connection, experiment: int) -> bool:
    return bool(database.execute("SELECT 1 FROM runs WHERE experiment_id = ? LIMIT 1", [experiment]).fetchone())


def _move_beside(path: Path, home: Path) -> Move | None:
    """The move of the longest end of a path that lies beside the store."""
    for parts in range(len(path.parts) - 1, TAIL - 1, -1):
        if home.joinpath(*path.parts[-parts:]).is_dir():
            return Move(Path(*path.parts[:-parts]), home)
    return None


def _local_path(address: str) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(address) if address.startswith("/") else None


def _file_uri(path: Path) -> str:
    return f"file://{quote(path.as_posix())}"


@contextlib.contextmanager
def _reading(store: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{quote(store.as_posix())}?mode=ro", uri=True)) as database:
        yield database
