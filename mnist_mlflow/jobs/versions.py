"""Versions of the code and the libraries, on which trials depend too, compared between machines."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from mnist_mlflow.algorithms.base import get_algorithm
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.provenance import code_digest

NUMERIC = ("numpy", "scipy", "opencv-python-headless", "optuna")  # whose versions may change a last digit


def versions(algorithm: str) -> dict[str, str]:
    """The digest of the code, and the versions of Python and of the libraries that an algorithm learns with."""
    libraries = {name: _version(name) for name in (get_algorithm(algorithm).LIBRARY, *NUMERIC)}
    return {"code": code_digest(), **libraries, "python": platform.python_version()}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def check_versions(algorithm: str, there: Mapping[str, str]) -> str:
    """The differences to another machine's versions that may change a last digit, in words; empty if there are none.

    Raises UserFacingError for other code, and for another version of the library that learns: these make other models.
    """
    here = versions(algorithm)
    differences = {name: (value, here.get(name)) for name, value in there.items() if value != here.get(name)}
    if "code" in differences:
        raise UserFacingError("The code here is not that of the search: check out its commit, without changes.")
    library = get_algorithm(algorithm).LIBRARY
    if library in differences:
        raise UserFacingError(
            f"The search learns with {library} {there[library]}, and here is {here[library]}. "
            f'Type: pip install "{library}=={there[library]}"'
        )
    return ", ".join(f"{name} is {one} there and {other} here" for name, (one, other) in differences.items())
