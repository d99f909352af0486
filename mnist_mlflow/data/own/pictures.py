"""Files of pictures as canonical digits, which a cache keeps under the digests of the files' contents."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from mnist_mlflow import model
from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.errors import ImageError, one_line
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.decoding import decode
from mnist_mlflow.types import SIDE, Progress

_logger = logging.getLogger(__name__)

LARGEST = 200_000_000  # bytes of a file
THREADS = 4  # hashing, Pillow and OpenCV leave Python to others while they work
CHUNK = 32  # pictures at a time: so many are waited for where somebody interrupts
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")  # that make canonical digits

Image = npt.NDArray[np.uint8]  # (28, 28)
Result = TypeVar("Result")


def read_pictures(folder: Path, paths: Sequence[Path], progress: Progress) -> dict[Path, Image | ImageError]:
    """The canonical digit of each file, or the error that says why there is none.

    Those of a folder are made once, as long as file, code and libraries stay what they are. Without a writable cache a
    warning says so, and they are made each time.
    """
    digests = _each(_digest, paths, f"look at the pictures of {folder.name}", progress)
    cache = cache_folder() / "canonical" / f"{hashlib.sha256(bytes(folder)).hexdigest()[:16]}.npz"
    images, failed = _read_cache(cache), dict[Path, Image | ImageError]()
    if _missing(digests, images):
        with _alone(cache):  # of two runs that start together one makes them, the other waits
            images = _read_cache(cache)
            made = _each(_canonical_digit, _missing(digests, images), f"read the pictures of {folder.name}", progress)
            failed = {path: image for path, image in made.items() if isinstance(image, ImageError)}
            images |= {str(digests[path]): image for path, image in made.items() if not isinstance(image, ImageError)}
            _write_cache(cache, {digest: images[digest] for digest in map(str, digests.values()) if digest in images})
    refused = {path: digest for path, digest in digests.items() if isinstance(digest, ImageError)}
    return {path: images[digest] for path, digest in digests.items() if digest in images} | refused | failed


def _each(
    function: Callable[[Path], Result], paths: Sequence[Path], what: str, progress: Progress
) -> dict[Path, Result | ImageError]:
    """The result of a function for each file, or the ImageError that it raises."""

    def attempt(path: Path) -> Result | ImageError:
        try:
            return function(path)
        except ImageError as error:
            return error
        except OSError as error:
            return ImageError(f"The file cannot be read: {error.strerror or one_line(error)}.")

    results = dict[Path, Result | ImageError]()
    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            results |= zip(chunk, threads.map(attempt, chunk), strict=True)
            progress(what, len(results), len(paths))
    return results


def _digest(path: Path) -> str:
    """The SHA-256 of a file; raises ImageError for what is no file, or too large for a picture."""
    if not path.is_file():
        raise ImageError("There is no such file." if not path.exists() else "It is no file.")
    if (size := path.stat().st_size) > LARGEST:
        raise ImageError(f"The file has {size:,} bytes; accepted are {LARGEST:,} at most.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _canonical_digit(path: Path) -> Image:
    image: Image = canonical_digits([decode(path.read_bytes())]).images[0]
    return image


def _missing(digests: Mapping[Path, str | ImageError], images: Mapping[str, Image]) -> list[Path]:
    return [path for path, digest in digests.items() if isinstance(digest, str) and digest not in images]


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let one process alone use a cache, if there can be one."""
    lock: contextlib.AbstractContextManager[object] = FileLock(f"{cache}.lock")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{cache}.lock").touch()
    except OSError:
        lock = contextlib.nullcontext()
    with lock:
        yield


def _read_cache(cache: Path) -> dict[str, Image]:
    """The canonical digits in a complete file, by the digests of their files; none if other code made them."""
    try:
        with cache.open("rb") as file, np.load(file) as arrays:
            if str(arrays["code"]) == _code():
                return dict(zip(arrays["digests"].tolist(), arrays["images"], strict=True))
    except Exception:  # absent, cut short, or something else, which may raise anything
        return {}
    return {}


def _write_cache(cache: Path, images: Mapping[str, Image]) -> None:
    """Write canonical digits into a file beside the cache, which takes its place when it is complete."""
    unfinished = cache.with_suffix(".unfinished")
    stacked = np.array([*images.values()], np.uint8).reshape(-1, SIDE, SIDE)
    try:
        with unfinished.open("wb") as file:
            np.savez(file, code=_code(), digests=[*images], images=stacked)
        unfinished.replace(cache)
    except OSError as error:
        _logger.warning("Canonical digits cannot be kept (%s); they are made each time.", error)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


@functools.cache
def _code() -> str:
    """The digest of the code and the libraries that canonical digits depend on."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for path in sorted(Path(model.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
