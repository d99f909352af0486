"""Logged models: writing them, finding them, and asking them for probabilities."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Probabilities

EVERY_MODEL_NEEDS = ("mlflow", "numpy", "pandas", "scipy")


def log_model(
    run: Run, model: DigitModel, name: str, params: Mapping[str, object], tags: Mapping[str, str]
) -> tuple[str, float]:
    """Log a model to a run, the active one; returns its id, and the size of its files in megabytes.

    What it takes to predict travels with it, so that it loads where this project is not installed. There is a
    signature for the output alone: one for the input would refuse every dtype and shape but its own.
    """
    requirements = sorted({*EVERY_MODEL_NEEDS, *model.requirements})
    with run.tracking(), travelling_code() as package, tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "digit_model"
        model.save(folder)
        with warnings.catch_warnings():
            # An input example would be taken for the one form of input that is accepted.
            warnings.filterwarnings("ignore", message=".*[Ii]nput example")
            logged = mlflow.pyfunc.log_model(
                name=name,
                loader_module="mnist_mlflow.model.digit_model",
                data_path=str(folder),
                code_paths=[str(package)],
                pip_requirements=[f"{needed}=={version(needed)}" for needed in requirements],
                signature=ModelSignature(outputs=_output_schema()),
                params=dict(params),
                tags=dict(tags),
                model_type=name,
            )
        return logged.model_id, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


@contextlib.contextmanager
def travelling_code() -> Iterator[Path]:
    """A folder that holds as much of this package as prediction needs."""
    source = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / source.name
        shutil.copytree(source / "model", package / "model", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__init__.py", "errors.py", "types.py"):
            shutil.copy(source / name, package)
        yield package


def _output_schema() -> Schema:
    probabilities = [ColSpec(DataType.double, name) for name in PROBABILITY_COLUMNS]
    return Schema([ColSpec(DataType.long, "digit"), ColSpec(DataType.double, "confidence"), *probabilities])


Answer: TypeAlias = Callable[[Images], Probabilities]  # what a model makes of images


def load_model(model_uri: str) -> Answer:
    """A logged or registered model, to be asked; raises UserFacingError if it does not load or answer."""
    with _as_failure(model_uri):
        model = mlflow.pyfunc.load_model(model_uri)

    def answer(images: Images) -> Probabilities:
        with _as_failure(model_uri):
            probabilities: Probabilities = model.predict(images)[PROBABILITY_COLUMNS].to_numpy()
            return probabilities

    return answer


def predict(model_uri: str, images: Images) -> Probabilities:
    """Probabilities of images by a logged or registered model; raises UserFacingError if it does not load or answer."""
    return load_model(model_uri)(images)


@contextlib.contextmanager
def _as_failure(model_uri: str) -> Iterator[None]:
    """Turn any error into one about this model: its code and files are a user's, and may raise anything."""
    try:
        yield
    except Exception as error:
        raise UserFacingError(f"The model {model_uri} cannot be asked: {one_line(error)}") from error


def fetch_model(model_uri: str, folder: Path) -> Path:
    """Fetch a logged model into a folder; returns where in it its own files are. Raises UserFacingError."""
    try:
        fetched = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=str(folder)))
        data: str = mlflow.models.Model.load(fetched).flavors["python_function"]["data"]
    except (MlflowException, OSError, KeyError) as error:
        raise UserFacingError(f"The model {model_uri} cannot be fetched: {one_line(error)}") from error
    return fetched / data


def find_model(model_uri: str) -> tuple[str | None, dict[str, str]]:
    """The id and the tags of the logged model behind a URI (no id, no tags: it was not logged in this store).

    Raises UserFacingError when there is no model.
    """
    try:
        model_id = mlflow.models.Model.load(model_uri).model_id
    except (MlflowException, OSError) as error:
        raise UserFacingError(f"There is no model at {model_uri} ({one_line(error)}).") from error
    try:
        return model_id, dict(mlflow.get_logged_model(model_id).tags)
    except MlflowException:
        return None, {}
