"""Archives: the files of a folder in one file, so that a server is asked once, not once a file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from mnist_mlflow.errors import ModelError


def pack(folder: Path, archive: Path) -> None:
    """Write the files of a folder into a new archive; they are not compressed, as most are already."""
    with ZipFile(archive, "w") as written:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                written.writestr(ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())


@contextlib.contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """A folder with the files of an archive; raises ModelError for one that is compressed.

    A small archive of unknown origin might fill the disk otherwise.
    """
    with ZipFile(archive) as opened, tempfile.TemporaryDirectory() as parent:
        if any(info.compress_type != ZIP_STORED for info in opened.infolist()):
            raise ModelError(f"{archive} is compressed; accepted: archives that are not.")
        folder = Path(parent) / archive.stem
        opened.extractall(folder)
        yield folder
