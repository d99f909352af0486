"""Listings of folders: pictures in folders by class, or beside a table of labels."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mnist_mlflow.data.folders import visible, visible_files
from mnist_mlflow.data.own.collection import Skipped
from mnist_mlflow.errors import DataError, printable
from mnist_mlflow.types import CLASSES

TABLE = "labels.csv"
DIGITS = tuple(map(str, range(CLASSES)))
PARTS = {"train": False, "training": False, "test": True, "testing": True}  # folders, and whether they are kept apart
FILE_COLUMNS = ("file", "filename", "file_name", "name", "path", "image", "picture")
LABEL_COLUMNS = ("label", "digit", "class", "target", "y")
LABEL = re.compile(r"([0-9])(?:\.0+)?")  # pandas writes 7.0 where a label is missing elsewhere
SHOWN = 5  # names
HOW = f"Put them into folders named 0 to 9, or write a {TABLE} with the columns file and label"


class Labelled(NamedTuple):
    """A file of a picture, its name for people, its label, and whether it is kept apart for tests."""

    path: Path
    file: str
    label: int
    is_test: bool


@dataclass
class Listing:
    """The labelled pictures of a folder, and what is left out."""

    folder: Path
    pictures: list[Labelled] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, path: Path, label: int, is_test: bool) -> None:
        """Add a picture."""
        self.pictures.append(Labelled(path, self._name(path), label, is_test))

    def skip(self, path: Path, reason: str) -> None:
        """Leave a file out."""
        self.skipped.append(Skipped(self._name(path), reason))

    def _name(self, path: Path) -> str:
        """The path from the folder of the data set, for people and for tables."""
        return printable(path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path))


def list_pictures(folder: Path) -> Listing:
    """The pictures below a folder in order, labelled by the names of their folders or by its `labels.csv`.

    Folders `train` and `test` have either inside. Hidden files are passed over. Raises DataError for a folder that has
    nothing of the kind, and for a label that is no digit.
    """
    listing, folders = Listing(folder), [path.name for path in visible(folder) if path.is_dir()]
    if folders and set(folders) <= PARTS.keys() and not (folder / TABLE).is_file():
        for name in folders:
            _list_part(folder / name, PARTS[name], listing)
    else:
        _list_part(folder, False, listing)
    return listing


def _list_part(folder: Path, is_test: bool, listing: Listing) -> None:
    if (folder / TABLE).is_file():
        _list_table(folder, is_test, listing)
        return
    _check_classes(folder)
    for path in visible(folder):
        if not path.is_dir():
            listing.skip(path, "it lies in no folder of a digit")
        for file in visible_files(path) if path.is_dir() else ():
            listing.add(file, int(path.name), is_test)


def _check_classes(folder: Path) -> None:
    """Raise DataError unless a folder has folders of digits, and no others."""
    names = [path.name for path in visible(folder) if path.is_dir()]
    if others := [name for name in names if name not in DIGITS]:
        inner = folder / others[0]
        is_data_set = any((inner / name).exists() for name in (*DIGITS, *PARTS, TABLE))  # as an archive unpacks
        mend = f"Type data={inner}" if is_data_set else "Rename it, or move it elsewhere."
        raise DataError(f"{inner} is no folder of a digit; accepted are folders named 0 to 9. {mend}")
    if not names:
        files = [path.name for path in visible(folder)]
        listed = ", ".join(files[:SHOWN]) + (", …" if len(files) > SHOWN else "")
        what = f"holds {listed}, and nothing says which digits these are. {HOW}" if files else "is empty"
        raise DataError(f"{folder} {what}.")


def _list_table(folder: Path, is_test: bool, listing: Listing) -> None:
    """List the pictures that a table has labels for; what it lacks, and what lacks a label, is left out."""
    named = {folder / TABLE}
    for number, (name, text) in enumerate(_rows(folder / TABLE), 2):
        path = folder / name
        named.add(path)
        if label := LABEL.fullmatch(text):
            listing.add(path, int(label[1]), is_test)
        elif text:
            raise DataError(
                f"{folder / TABLE}, row {number}: the label of {name} is {text!r}; accepted are 0 to 9. "
                "Correct it, or leave it empty: then the picture is left out."
            )
        else:
            listing.skip(path, f"it has no label in {TABLE}")
    for path in visible_files(folder):
        if path not in named:
            listing.skip(path, f"it is not in {TABLE}")


def _rows(table: Path) -> Iterator[tuple[str, str]]:
    """The file and the label in each row of a table; raises DataError for one without such columns."""
    text = table.read_text(encoding="utf-8-sig", errors="replace")
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
    try:
        columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
        file, label = _column(columns, FILE_COLUMNS), _column(columns, LABEL_COLUMNS)
        if not file or not label:
            raise DataError(
                f"{table} has the columns {', '.join(columns) or 'of no name'}; accepted are file and label. "
                "Write their names into its first line."
            )
        for row in rows:
            if name := (row[file] or "").strip():
                yield name, (row[label] or "").strip()
    except csv.Error as error:
        raise DataError(f"{table} is no table with commas: {error}.") from error


def _column(columns: Mapping[str, str], usual: tuple[str, ...]) -> str:
    return next((columns[name] for name in usual if name in columns), "")
