"""A store after its first selection, to be copied for each test."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest

from mnist_mlflow.jobs import select
from mnist_mlflow.types import silent
from tests.conftest import Trained, use_store


@dataclass(frozen=True)
class Selected:
    path: Path
    selection: select.Selection


@contextlib.contextmanager
def connected(path: Path) -> Iterator[mlflow.MlflowClient]:
    with pytest.MonkeyPatch.context() as patch:
        yield use_store(path, patch)
    mlflow.set_tracking_uri(None)


def choose(**options: Any) -> select.Selection:
    """The selection among the digits."""
    selection = select.run(select.Params(data="digits", **options), silent)
    assert isinstance(selection, select.Selection)
    return selection


def select_in_copy(trained: Trained, folder: Path) -> Selected:
    path = Path(shutil.copy(trained.path, folder))
    with connected(path):
        return Selected(path, choose())
