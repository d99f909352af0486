"""Code, libraries and images, on which a result depends beside its command, compared between machines."""

from __future__ import annotations

import json
import logging
import os
import platform
import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from mnist_mlflow.algorithms.base import get_algorithm
from mnist_mlflow.data import DIGESTS, Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.provenance import code_digest

NUMERIC = ("numpy", "scipy", "opencv-python-headless", "onnxruntime", "optuna")  # by which a last digit may change
STARTER = "MNIST_MLFLOW_STARTER"  # the variable that tells a training what the machine has that started it
_logger = logging.getLogger(__name__)


def versions(algorithm: str) -> dict[str, str]:
    """The digest of the code, and the versions of Python and of the libraries that an algorithm learns with."""
    libraries = {name: _version(name) for name in (get_algorithm(algorithm).LIBRARY, *NUMERIC)}
    return {"code": code_digest(), **libraries, "python": platform.python_version()}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def check_versions(algorithm: str, there: Mapping[str, str]) -> None:
    """Warn of differences to another machine's versions that may change a last digit.

    Raises UserFacingError for other code, and for another version of the library that learns: these make other models.
    """
    here, host = versions(algorithm), socket.gethostname()
    differences = {name: (value, here.get(name)) for name, value in there.items() if value != here.get(name)}
    if "code" in differences:
        raise UserFacingError(
            f"The code on {host} is not that of the machine that began this: check out its commit, without changes."
        )
    library = get_algorithm(algorithm).LIBRARY
    if library in differences:
        raise UserFacingError(
            f"The machine that began this learns with {library} {there[library]}, and {host} has {here[library]}. "
            f'Type: pip install "{library}=={there[library]}"'
        )
    if remarks := ", ".join(f"{name} is {one} there and {other} here" for name, (one, other) in differences.items()):
        _logger.warning("Figures of %s may differ in their last digits: %s.", host, remarks)


def check_images(dataset: Dataset, digests: Mapping[str, str]) -> None:
    """Raise UserFacingError where a data set has other images on this machine than on the one that began this."""
    if dataset.digests != {name: digests[name] for name in DIGESTS if name in digests}:
        raise UserFacingError(
            f"On {socket.gethostname()} {dataset.address} has other images than on the machine that began this: "
            "copy them from there."
        )


def starter(algorithm: str, dataset: Dataset) -> dict[str, str]:
    """The variable by which a training that starts elsewhere compares itself with this machine."""
    return {STARTER: json.dumps({"versions": versions(algorithm), "digests": dataset.digests})}


def check_starter(algorithm: str, dataset: Dataset) -> None:
    """Compare this machine with the one that started this training, if one did."""
    if there := json.loads(os.environ.get(STARTER, "null")):
        check_versions(algorithm, there["versions"])
        check_images(dataset, there["digests"])
