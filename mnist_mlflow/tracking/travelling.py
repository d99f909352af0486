"""The code that travels with a model, by which it loads where this project is not installed: two files."""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

from mlflow.models import Model
from mlflow.pyfunc import CODE, FLAVOR_NAME

from mnist_mlflow.model.archive import pack
from mnist_mlflow.model.digit_model import FORMAT, FORMATS

PACKAGE = Path(__file__).resolve().parents[1]
ARCHIVE = "code.zip"
TOP = ("errors.py", "types.py")
DIGEST, FORM = "code_digest", "format"  # in the metadata of a logged model
# Python imports from an archive that is in the path of a package.
BEGINNING = f'"""The code that travels with a model: {ARCHIVE}."""\n\n__path__.append(f"{{__path__[0]}}/{ARCHIVE}")\n'


def copy_code(folder: Path) -> None:
    """Write as much of this package as prediction needs into a new folder."""
    package = folder / PACKAGE.name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(BEGINNING, encoding="utf-8")
    with tempfile.TemporaryDirectory() as parts:
        shutil.copytree(PACKAGE / "model", f"{parts}/model", ignore=shutil.ignore_patterns("__pycache__"))
        for name in TOP:
            shutil.copy(PACKAGE / name, parts)
        pack(Path(parts), package / ARCHIVE)


@functools.cache
def code_digest() -> str:
    """The SHA-256 of the code that would travel today."""
    digest = hashlib.sha256()
    for path in sorted([*(PACKAGE / "model").rglob("*.py"), *(PACKAGE / name for name in TOP)]):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def form_of_today() -> dict[str, str | int]:
    """The metadata of a model that is logged today: its code, and the format of its files."""
    return {DIGEST: code_digest(), FORM: FORMAT}


def is_known(about: Model) -> bool:
    """True for a model that today's code reads: it has a known format, the same code, or brings none."""
    code, metadata = about.flavors.get(FLAVOR_NAME, {}).get(CODE), about.metadata or {}
    # MLflow writes `null` where no code travels.
    return not code or metadata.get(FORM) in FORMATS or metadata.get(DIGEST) == code_digest()
