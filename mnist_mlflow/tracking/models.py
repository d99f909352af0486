"""Logged models: writing them, finding them, and asking them for probabilities."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import mlflow
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.pyfunc import DATA, FLAVOR_NAME
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from mnist_mlflow.errors import MissingLibraryError, UserFacingError, one_line
from mnist_mlflow.model.archive import pack
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.protocol import SureOptions
from mnist_mlflow.tracking.artifacts import fetch_file
from mnist_mlflow.tracking.foreign import ForeignModel
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.servers import is_server
from mnist_mlflow.tracking.store import store_address
from mnist_mlflow.tracking.travelling import PACKAGE, form_of_today, is_known
from mnist_mlflow.types import PROBABILITY_COLUMNS, Images, Probabilities

if TYPE_CHECKING:
    import pandas as pd

    from mnist_mlflow.tracking.parcels import Contents

ARCHIVED = "data/digit_model.zip"  # a model's own files
# mlflow-skinny serves and loads models; the whole of MLflow would bring scikit-learn, Matplotlib and pyarrow too.
EVERY_MODEL_NEEDS = ("mlflow-skinny", "numpy", "pandas")
SHARES = ("confidence", *PROBABILITY_COLUMNS)
OUTPUT = Schema(
    [
        ColSpec(DataType.long, "digit"),
        *(ColSpec(DataType.double, name) for name in SHARES),
        ColSpec(DataType.boolean, "sure"),
        ColSpec(DataType.string, "why"),
        ColSpec(DataType.long, "second"),
        ColSpec(DataType.boolean, "inverted"),
    ]
)


def save_model(model: DigitModel, archive: Path) -> float:
    """Write the files of a model into a new archive; returns their size in megabytes."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / archive.stem
        model.save(folder)
        pack(folder, archive)
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def pinned_requirements(model: DigitModel) -> list[str]:
    """The distributions that a model needs, in the versions of today."""
    return [f"{needed}=={version(needed)}" for needed in sorted({*EVERY_MODEL_NEEDS, *model.requirements})]


def log_model(run: Run, files: Path, code: Path, contents: Contents) -> str:
    """Log saved files as a model of a run, the active one; returns its id.

    The code that it takes to predict travels with it, so that it loads where this project is not installed. The
    output alone has a signature: one for the input would refuse every dtype and shape but its own.
    """
    with run.tracking(), _without_example():
        logged = mlflow.pyfunc.log_model(
            name=contents.algorithm,
            params=contents.params,
            tags=contents.model_tags,
            model_type=contents.algorithm,
            **_form(files, code, contents),
        )
        model_id: str = logged.model_id
        return model_id


def complete_model(run: Run, model_id: str, files: Path, code: Path, contents: Contents) -> None:
    """Upload the files of a model whose logging was cut off: MLflow itself would begin another one."""
    with run.tracking(), _without_example(), tempfile.TemporaryDirectory() as parent:
        location = run.client.get_logged_model(model_id).artifact_location
        about = Model(artifact_path=location, model_uuid=model_id, run_id=run.id, model_id=model_id)
        mlflow.pyfunc.save_model(f"{parent}/model", mlflow_model=about, **_form(files, code, contents))
        if model_id not in {output.model_id for output in run.client.get_run(run.id).outputs.model_outputs}:
            run.client.log_outputs(run.id, [LoggedModelOutput(model_id, step=0)])
        run.client.log_model_artifacts(model_id, f"{parent}/model")
        run.client.finalize_logged_model(model_id, LoggedModelStatus.READY)


def _form(files: Path, code: Path, contents: Contents) -> dict[str, Any]:
    """The arguments by which MLflow saves a model."""
    return {
        "loader_module": "mnist_mlflow.model.digit_model",
        "data_path": str(files),
        "code_paths": [str(code / PACKAGE.name)],
        "pip_requirements": contents.requirements,
        "signature": ModelSignature(outputs=OUTPUT, params=_inference_params(contents)),
        "metadata": form_of_today(),
    }


def _inference_params(contents: Contents) -> ParamSchema:
    """The parameter of `predict`, whose default is what the model was trained for."""
    trained_for = float(contents.params.get("max_error", SureOptions().max_error))
    return ParamSchema([ParamSpec("max_error", DataType.double, trained_for)])


@contextlib.contextmanager
def _without_example() -> Iterator[None]:
    """Log without an input example, which would be taken for the one form of input that is accepted."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Ii]nput example")
        yield


Answer: TypeAlias = Callable[[Images], Probabilities]  # what a model makes of images
Load: TypeAlias = Callable[[str, str], Answer]  # loads a model, by its URI and where its files are


class LoadedModel:
    """A model in this process. Called with images it answers with probabilities (n, 10)."""

    def __init__(self, model_uri: str, model: mlflow.pyfunc.PyFuncModel) -> None:
        self.model_uri, self.pyfunc = model_uri, model

    def __call__(self, images: Images) -> Probabilities:
        """Probabilities (n, 10) of images (n, 28, 28); raises UserFacingError when the model does not predict."""
        with _as_failure(self.model_uri):
            probabilities: Probabilities = self.pyfunc.predict(images)[PROBABILITY_COLUMNS].to_numpy()
            return probabilities

    def table(self, images: Images) -> pd.DataFrame:
        """All that the model says of images (n, 28, 28), a row for each, as `Readings.to_frame` has it."""
        with _as_failure(self.model_uri):
            table: pd.DataFrame = self.pyfunc.predict(images)
            return table


def load_model(model_uri: str, location: str = "") -> LoadedModel | ForeignModel:
    """A logged or registered model, to be asked; raises UserFacingError if it does not load or answer.

    `location` is where its files are, if that is known. Today's code reads each format that was ever logged since the
    third. Other models run the code that travels with them, in a process of their own.
    """
    with _as_failure(model_uri), tempfile.TemporaryDirectory() as folder:
        needed = _fetch_needed(location or model_uri, Path(folder))
        files = needed or Path(mlflow.artifacts.download_artifacts(model_uri))
        if not is_known(Model.load(files)):
            return ForeignModel(model_uri, files)
        # MLflow would list all that is installed to compare versions; a selection compares what the model reads.
        return LoadedModel(model_uri, mlflow.pyfunc.load_model(str(files), suppress_warnings=True))


def _fetch_needed(location: str, folder: Path) -> Path | None:
    """Fetch from a server what today's code loads a model of ours by; None where that will not do.

    Each file costs a request there, and so does each folder that is listed.
    """
    if not is_server(store_address()):
        return None
    with contextlib.suppress(Exception):  # then MLflow fetches all, or says why not
        about = Model.load(fetch_file(location, MLMODEL_FILE_NAME, folder).parent)
        if is_known(about) and about.flavors[FLAVOR_NAME][DATA] == ARCHIVED:
            fetch_file(location, ARCHIVED, folder)
            return folder
    return None


@contextlib.contextmanager
def _as_failure(model_uri: str) -> Iterator[None]:
    """Turn any error into one about this model: its code and files are a user's, and may raise anything."""
    try:
        yield
    except Exception as error:
        # What is missing here does not speak against the model.
        kind = MissingLibraryError if isinstance(error, ImportError) else UserFacingError
        raise kind(f"The model {model_uri} cannot be asked: {one_line(error)}") from error


def fetch_model(model_uri: str, folder: Path) -> Path:
    """Fetch a logged model into a folder; returns where in it its own archive is. Raises UserFacingError."""
    try:
        data: str = Model.load(fetch_file(model_uri, MLMODEL_FILE_NAME, folder)).flavors[FLAVOR_NAME][DATA]
        if data == ARCHIVED:
            return fetch_file(model_uri, ARCHIVED, folder)
        fetched = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=str(folder)))
    except (MlflowException, OSError, KeyError) as error:
        raise UserFacingError(f"The model {model_uri} cannot be fetched: {one_line(error)}") from error
    if not (fetched / data).resolve().is_relative_to(fetched.resolve()):
        raise UserFacingError(f"The model {model_uri} names files that are not its own: {data!r}.")
    return fetched / data


def has_model(client: mlflow.MlflowClient, model_id: str) -> bool:
    """True for a logged model that the store has, complete."""
    try:
        return bool(client.get_logged_model(model_id).status == LoggedModelStatus.READY)
    except MlflowException:
        return False
