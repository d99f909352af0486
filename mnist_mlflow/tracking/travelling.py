"""The code that travels with a model, by which it loads where this project is not installed: two files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from mlflow.pyfunc import CODE

from mnist_mlflow.model.archive import pack, read_archive

PACKAGE = Path(__file__).resolve().parents[1]
TRAVELLING = f"{CODE}/{PACKAGE.name}"  # where it lies in a logged model
ARCHIVE = "code.zip"
# Python imports from an archive that is in the path of a package.
BEGINNING = f'"""The code that travels with a model: {ARCHIVE}."""\n\n__path__.append(f"{{__path__[0]}}/{ARCHIVE}")\n'


def copy_code(folder: Path) -> None:
    """Write as much of this package as prediction needs into a new folder."""
    package = folder / PACKAGE.name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(BEGINNING, encoding="utf-8")
    with tempfile.TemporaryDirectory() as parts:
        shutil.copytree(PACKAGE / "model", f"{parts}/model", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("errors.py", "types.py"):
            shutil.copy(PACKAGE / name, parts)
        pack(Path(parts), package / ARCHIVE)


def is_todays(model: Path) -> bool:
    """True if each file of this package that travels with a model is the same here, or none travels with it."""
    package = model / TRAVELLING
    if not package.exists():
        return True
    archive = package / ARCHIVE
    return archive.is_file() and all(_is_here(name, content) for name, content in read_archive(archive).items())


def _is_here(name: str, content: bytes) -> bool:
    path = PACKAGE / name
    return path.is_file() and path.read_bytes() == content
