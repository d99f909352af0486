"""MNIST: four verified IDX files from a folder or a mirror."""

import hashlib
import itertools
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_mlflow.data.download import MIRRORS, DownloadError, fetch
from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.data.idx import decompress, parse_idx
from mnist_mlflow.errors import DataError
from mnist_mlflow.parameters import expanded
from mnist_mlflow.types import SIDE, Part, Progress

# SHA-256 of the decompressed bytes: the same content is gzipped differently from place to place.
DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

REMEDY = (
    "Accepted is the IDX file as published, gzipped or not. "
    "Delete it to have it downloaded again, or type data=digits to do without."
)

VARIABLE = "MNIST_MLFLOW_DATA_DIR"
MOST_LISTED = 5  # names of files
ACCEPTED = (
    f"Accepted is a folder with {', '.join(DIGESTS)} (or with a dot, as train-images.idx3-ubyte; gzipped or not; "
    "also in MNIST/raw, as torchvision keeps them), or an empty one."
)


def load_mnist(progress: Progress) -> tuple[Part, Part]:
    """The 60,000 training and the 10,000 test images of MNIST, as published.

    Raises DataError for a file that is damaged or not MNIST, DownloadError when no mirror answers.
    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.
    """
    arrays = {name: load_file(find_file(name) or _download(name, progress), name) for name in DIGESTS}
    return _part(arrays, "train"), _part(arrays, "t10k")


def _part(arrays: dict[str, npt.NDArray[np.uint8]], prefix: str) -> Part:
    images, labels = arrays[f"{prefix}-images-idx3-ubyte"], arrays[f"{prefix}-labels-idx1-ubyte"]
    if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1]:
        raise DataError(
            f"{prefix}: images of shape {images.shape} and labels of shape {labels.shape} do not match; "
            f"accepted: (n, {SIDE}, {SIDE}) and (n,)."
        )
    return Part(images, labels)


def find_file(name: str) -> Path | None:
    """The path of one of the four files, if it is in one of the folders."""
    return next((path for folder in folders() for path in _places(folder, name) if path.is_file()), None)


def _places(folder: Path, name: str) -> Iterator[Path]:
    """The paths that a file may have: with dash or dot, gzipped or not, there or in torchvision's folder."""
    file_names = (name, name.replace("-idx", ".idx"))
    for place, file_name, end in itertools.product(("", "raw", "MNIST/raw"), file_names, ("", ".gz")):
        yield folder / place / f"{file_name}{end}"


def _download(name: str, progress: Progress) -> Path:
    target = _download_folder() / f"{name}.gz"
    fetch(target, MIRRORS, lambda raw: read(raw, name, "the download"), progress)
    return target


def load_file(path: Path, name: str) -> npt.NDArray[np.uint8]:
    """The array in a file; raises DataError, with the remedy, unless it is one of the four as published."""
    try:
        return read(path.read_bytes(), name, str(path))
    except DataError as error:
        raise DataError(f"{error} {REMEDY}") from error


def read(raw: bytes, name: str, origin: str) -> npt.NDArray[np.uint8]:
    """The array in one of the four files; raises DataError unless its content has the digest of the original."""
    content = decompress(raw, origin)
    array = parse_idx(content, origin)
    if hashlib.sha256(content).hexdigest() != DIGESTS[name]:
        raise DataError(f"{origin} is not MNIST's {name}: its content has another SHA-256.")
    return array


def folders() -> list[Path]:
    """The folders to look for data sets in: MNIST_MLFLOW_DATA_DIR, then the cache.

    Raises DataError for a folder that somebody named and that cannot be the one that they meant.
    """
    named = os.environ.get(VARIABLE)
    return [*([_check_named(expanded(Path(named)))] if named else []), cache_folder()]


def _check_named(folder: Path) -> Path:
    """The folder, if it holds one of the files, or nothing: then what is downloaded is kept there."""
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "is not there"
        remedy = f"To download them there, type: mkdir -p {shlex.quote(str(folder))}"
        raise DataError(f"{VARIABLE}={folder} {problem}. {ACCEPTED} {remedy}")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".") and path.suffix != ".lock")
    if names and not any(path.is_file() for name in DIGESTS for path in _places(folder, name)):
        listed = ", ".join(names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
        raise DataError(f"{VARIABLE}={folder} holds none of MNIST's files, but {listed}. {ACCEPTED}")
    return folder


def _download_folder() -> Path:
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise DownloadError(f"No folder to download MNIST to: tried {', '.join(map(str, folders()))}.")
