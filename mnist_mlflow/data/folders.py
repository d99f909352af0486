"""The user's own folders, on any system, also for a user without a home."""

from __future__ import annotations

from pathlib import Path

from mnist_mlflow.processes import PROGRAM, temporary_folder


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
