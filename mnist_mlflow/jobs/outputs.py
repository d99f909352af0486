"""Files that jobs write where somebody wants them, checked before the work begins."""

from __future__ import annotations

from pathlib import Path

from mnist_mlflow.errors import UsageError


def check_out(path: Path, name: str) -> Path:
    """The absolute path of a file to write; raises UsageError where that cannot be, with `name` as an example."""
    out = path.absolute()
    if not out.parent.is_dir():
        raise UsageError(f"out={path}: there is no folder {out.parent}. Make it, or name another file.")
    if out.is_dir():
        raise UsageError(f"out={path} is a folder. Name a file, for example: out={out / name}")
    return out
