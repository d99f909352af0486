"""The package itself: what an import of it brings, and what it takes."""

import importlib
import types

import pytest

import mnist_mlflow
from tests.conftest import ROOT, python

LOADED = """
import importlib, os, sys, typing
before = {*sys.modules}
os.environ = None  # nothing reads it
import mnist_mlflow
print(*sorted({*sys.modules} - before))
"""


def test_an_import_loads_no_library_and_reads_no_environment() -> None:
    assert python(LOADED, ROOT).split() == ["mnist_mlflow", "mnist_mlflow.search"]


def test_what_it_exports_is_listed_and_there() -> None:
    assert {*mnist_mlflow.__all__} <= {*dir(mnist_mlflow)}
    for name in mnist_mlflow.__all__:
        assert isinstance(getattr(mnist_mlflow, name), types.FunctionType)
        assert name in (mnist_mlflow.__doc__ or "")


def test_a_room_does_not_take_the_place_of_the_function_of_its_name() -> None:
    importlib.import_module("mnist_mlflow.search.spec")
    assert isinstance(mnist_mlflow.search, types.FunctionType)


def test_another_name_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'mnist_mlflow' has no attribute 'trian'"):
        getattr(mnist_mlflow, "trian")  # noqa: B009 - a type checker knows already
