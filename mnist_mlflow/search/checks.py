"""The check of the storage of studies for `doctor`."""

from __future__ import annotations

import shlex
from pathlib import Path

import psutil

from mnist_mlflow.data import databases
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.studies import open_storage, read_storage
from mnist_mlflow.types import Finding

# File systems on which the locks of SQLite fail between machines.
SHARED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "fuse.glusterfs", "lustre", "gpfs")
OTHER_TABLES = "compatible with the table schema"  # Optuna's words for tables of another version


def check_studies(address: str) -> Finding:
    """The storage of studies opens and has the tables of this Optuna; a file lies on this machine."""
    url = read_storage(address)
    shown = databases.shown(url)
    if path := databases.sqlite_file(url):
        if (kind := file_system(path)).startswith(SHARED):
            remedy = "Name a database server: export OPTUNA_STORAGE=postgresql+psycopg://USER@HOST/NAME"
            return Finding(f"{path} is on a network file system ({kind}), where SQLite may lose trials", remedy)
        if not path.exists():
            return Finding(f"{path} is not there yet; the first search makes it")
    try:
        open_storage(address).engine.dispose()
    except UserFacingError as error:
        if OTHER_TABLES not in str(error):
            raise
        remedy = f"Type: optuna storage upgrade --storage {shlex.quote(shown)}"
        return Finding(f"the tables of {shown} are of another Optuna", remedy)
    return Finding(shown)


def file_system(path: Path) -> str:
    """The type of the file system that a path is on; empty where the system does not tell."""
    mounts = {Path(disk.mountpoint): disk.fstype for disk in psutil.disk_partitions(all=True)}
    resolved = path.resolve()
    return next((mounts[folder] for folder in (resolved, *resolved.parents) if folder in mounts), "")
