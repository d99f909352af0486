"""The user's own folders, on any system, also for a user without a home."""

from __future__ import annotations

import getpass
import os
import tempfile
from pathlib import Path

NAME = "mnist_mlflow"


def cache_folder() -> Path:
    """The folder for files that can be downloaded or computed again."""
    import platformdirs

    return _absolute(Path(platformdirs.user_cache_dir(NAME)), "cache")


def data_folder() -> Path:
    """The folder for what was made by the user, where there is no project folder to keep it in."""
    import platformdirs

    return _absolute(Path(platformdirs.user_data_dir(NAME)), "data")


def complete_environment() -> None:
    """Give a user without a home or a name both for the libraries: MLflow cannot be imported otherwise."""
    try:
        Path.home()
    except RuntimeError:
        home = Path(tempfile.gettempdir()) / f"{NAME}-{user_name()}"
        home.mkdir(mode=0o700, exist_ok=True)
        os.environ["HOME"] = str(home)
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = user_name()


def user_name() -> str:
    """A name for the user, unlike that of others on this machine."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _absolute(folder: Path, kind: str) -> Path:
    """The folder, or one among the temporary files where its home is unknown, which leaves a tilde."""
    return folder if folder.is_absolute() else Path(tempfile.gettempdir()) / f"{NAME}-{user_name()}" / kind
