"""Data sets before they are split: where their images come from."""

import dataclasses
import functools
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.data.own.collection import Skipped
from mnist_mlflow.data.own.opening import KINDS, open_own
from mnist_mlflow.errors import DataError, UsageError, one_line
from mnist_mlflow.parameters import split_address
from mnist_mlflow.types import Part, Progress

_logger = logging.getLogger(__name__)

AUTO = "auto"
WORDS = {"mnist": "MNIST", "digits": "the 1,797 bundled digits"}  # for the names of data sets, where they need some


def in_words(name: str) -> str:
    """The name of a data set in words: `mnist+mine` is MNIST and mine."""
    base, _, added = name.partition("+")
    return f"{WORDS[base]}{added and f' and {added}'}" if base in WORDS else name


@dataclass(frozen=True)
class Source:
    """All images of a data set.

    `address` opens the same data set in any process. `name` is for people. `test` is None where the split has to
    cut the test images out of `learning`. `added` are further images to learn from, which nobody is scored on.
    `fallback` is the reason why `auto` did without MNIST, if it did. Somebody's own data set knows the `files` of its
    images, those of `learning` or `added` first, and what was `skipped`.
    """

    address: str
    name: str
    learning: Part
    test: Part | None = None
    added: Part | None = None
    fallback: str = ""
    files: Sequence[str] = ()
    skipped: Sequence[Skipped] = ()

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of all images and labels, but for those that are added."""
        return digest_of(*([self.learning, self.test] if self.test else [self.learning]))

    @functools.cached_property
    def whole(self) -> Part:
        """All images of the data set as one part, but for those that are added."""
        if self.test is None:
            return self.learning
        parts = (self.learning, self.test)
        return Part(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def open_source(address: str, progress: Progress) -> Source:
    """The data set at an address: `mnist`, `digits`, `auto`, a path, or a path after `mnist+` or `digits+`.

    `auto` is MNIST wherever it can be had, else digits. Raises UsageError for another address, DataError for files that
    are damaged or missing.
    """
    base, path = split_address(address)
    if not path:
        return _open_named(base, progress)
    own = _open_path(Path(path), progress)
    if not base:
        return own
    named = _open_named(base, progress)
    return dataclasses.replace(
        named, address=address, name=f"{base}+{own.name}", added=own.learning, files=own.files, skipped=own.skipped
    )


def _open_named(name: str, progress: Progress) -> Source:
    try:
        return SOURCES[name](progress) if name in SOURCES else _open_auto(progress)
    except OSError as error:
        raise DataError(f"The data set {name} cannot be read: {one_line(error)}") from error


def _open_auto(progress: Progress) -> Source:
    try:
        return _open_mnist(progress)
    except DownloadError as error:
        _logger.warning("MNIST cannot be had: %s\nThe 1,797 bundled `digits` take its place.", error)
        return dataclasses.replace(_open_digits(progress), fallback=str(error))


def _open_path(path: Path, progress: Progress) -> Source:
    if not path.is_absolute() or not os.path.lexists(path):
        raise UsageError(f"data={path}: there is no such file or folder; {KINDS}. Or type auto, mnist or digits.")
    own = open_own(path, progress)
    return Source(str(path), path.name, own.learning, own.test, files=own.ordered_files, skipped=own.skipped)


def _open_mnist(progress: Progress) -> Source:
    return Source("mnist", "mnist", *load_mnist(progress))


def _open_digits(progress: Progress) -> Source:
    return Source("digits", "digits", load_digits())


SOURCES: dict[str, Callable[[Progress], Source]] = {"mnist": _open_mnist, "digits": _open_digits}


def digest_of(*parts: Part) -> str:
    """The SHA-256 of the images and labels of parts, in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(np.ascontiguousarray(part.labels).data)
    return digest.hexdigest()
