"""Folders: the user's own, on any system and without a home too, and those with pictures, as people see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mnist_mlflow.processes import PROGRAM, temporary_folder

HIDDEN = (".", "__MACOSX")
LEFT_BEHIND = ("desktop.ini", "thumbs.db")  # which Windows hides
PICTURES = (".bmp", ".heic", ".heif", ".jpeg", ".jpg", ".pdf", ".png", ".tif", ".tiff", ".webp")


def cache_folder() -> Path:
    """The folder for files that can be downloaded or computed again."""
    import platformdirs

    return _absolute(Path(platformdirs.user_cache_dir(PROGRAM)), "cache")


def data_folder() -> Path:
    """The folder for what was made by the user, where there is no project folder to keep it in."""
    import platformdirs

    return _absolute(Path(platformdirs.user_data_dir(PROGRAM)), "data")


def _absolute(folder: Path, kind: str) -> Path:
    """The folder, or one among the temporary files where its home is unknown, which leaves a tilde."""
    return folder if folder.is_absolute() else temporary_folder() / kind


def visible(folder: Path) -> list[Path]:
    """The files and folders in a folder, in order, without those that systems hide or leave there."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path))


def visible_files(folder: Path) -> Iterator[Path]:
    """The files in a folder and below, in order, without hidden ones; a linked folder is not entered."""
    for path in visible(folder):
        if path.is_dir() and not path.is_symlink():  # a link may lead back
            yield from visible_files(path)
        else:
            yield path


def is_hidden(path: Path) -> bool:
    """True for what no person has put into a folder."""
    return path.name.startswith(HIDDEN) or path.name.lower() in LEFT_BEHIND


def is_called_picture(name: str) -> bool:
    """True for the name of a file that should be a picture."""
    return Path(name).suffix.lower() in PICTURES
