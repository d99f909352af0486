"""Data sets before they are split: where their images come from."""

import dataclasses
import functools
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.errors import UsageError
from mnist_mlflow.types import Part, Progress

_logger = logging.getLogger(__name__)

AUTO = "auto"


@dataclass(frozen=True)
class Source:
    """All images of a data set.

    `address` opens the same data set in any process. `name` is for people. `test` is None where the split has to
    cut the test images out of `learning`. `fallback` is the reason why `auto` did without MNIST, if it did.
    """

    address: str
    name: str
    learning: Part
    test: Part | None = None
    fallback: str = ""

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of all images and labels."""
        return digest_of(*([self.learning, self.test] if self.test else [self.learning]))


def open_source(address: str, progress: Progress) -> Source:
    """The data set at an address: `mnist`, `digits`, or `auto`, which is MNIST wherever it can be had, else digits.

    Raises UsageError for another address, DataError for files that are damaged or missing.
    """
    if address in SOURCES:
        return SOURCES[address](progress)
    if address != AUTO:
        raise UsageError(f"There is no data set {address!r}; accepted: {', '.join((AUTO, *SOURCES))}.")
    try:
        return _open_mnist(progress)
    except DownloadError as error:
        _logger.warning("MNIST cannot be had: %s\nThe 1,797 bundled `digits` take its place.", error)
        return dataclasses.replace(_open_digits(progress), fallback=str(error))


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
