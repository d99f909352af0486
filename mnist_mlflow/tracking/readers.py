"""Readers: models that read pictures and show what they saw of them, by the code of today."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.protocol import Names
from mnist_mlflow.tracking.aliases import ALIASES
from mnist_mlflow.tracking.checks import is_there
from mnist_mlflow.tracking.datasets import DATASET_TAGS
from mnist_mlflow.tracking.models import LoadedModel, load_model
from mnist_mlflow.tracking.origins import COMMIT
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.store import connect

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("algorithm", *DATASET_TAGS, "git_commit", "git_dirty", "val_accuracy")  # that travel with an exported model
ACCEPTED = f"{', '.join(ALIASES)}, models:/NAME/VERSION, models:/m-…, runs:/RUN/knn, or the folder of a model"


@dataclass(frozen=True)
class Reader:
    """A model that reads pictures, by its name for people, as MLflow asks it, and as this project does."""

    name: str
    pyfunc: PyFuncModel = field(repr=False)
    digits: DigitModel = field(repr=False)

    def predict(self, pictures: Any, max_error: float | None = None) -> pd.DataFrame:
        """A row for each picture, as `Readings.to_frame` has it; of the sure ones at most a share is wrong.

        Takes what `as_pictures` takes. Without `max_error` that share is the one that the model was trained for. Raises
        ImageError, a ValueError, for what are no pictures, and ParameterError, another, for what is no share.
        """
        return self.digits.predict(pictures, {"max_error": max_error})

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a run that it reads in: its name, and what the store knows it by."""
        about = self.pyfunc.metadata
        ids = {"reader_model_id": about.model_id, "reader_run_id": about.run_id}
        return {"reader": self.name, **{tag: value for tag, value in ids.items() if value}}


def load_reader(model: str, registered_model: str) -> Reader:
    """The model of an alias, a URI or a folder; an alias stands for the version that has it now.

    Raises UserFacingError for one that does not load, is not of this project, or has a format of before.
    """
    uri, name = (model, model) if Path(model).is_dir() else _pin(model, registered_model)
    loaded = load_model(uri)
    if not isinstance(loaded, LoadedModel):
        raise UserFacingError(
            f"{name} has a format that today's code does not know, and its own does not show what it saw. "
            "Name a newer one, as in model=runs:/RUN/knn, or train: "
            f"{Names(registered_model=registered_model).command('main', {'needed': True})}"
        )
    try:
        digits = loaded.pyfunc.get_raw_model()
    except NotImplementedError:
        digits = None
    if not isinstance(digits, DigitModel):
        raise UserFacingError(f"{name} is no model of this project; accepted are those that `mlflow run .` trains.")
    digits.read(np.zeros((1, 28, 28), np.uint8))  # libraries load now, not when somebody waits
    return Reader(name, loaded.pyfunc, digits)


def run_facts(reader: Reader) -> dict[str, str]:
    """Facts that the store knows of the run that trained a model: algorithm, data, commit, accuracy.

    Empty where the store does not have the run, as of a model in a folder that came from elsewhere.
    """
    run_id = reader.pyfunc.metadata.run_id
    if not (run_id and is_there()):
        return {}
    try:
        data = connect().get_run(run_id).data
    except (MlflowException, UserFacingError):
        return {}
    facts = {**data.tags, "git_commit": data.tags.get(COMMIT), **data.metrics}
    return {name: str(facts[name]) for name in FACTS if facts.get(name) is not None}


def _pin(model: str, registered_model: str) -> tuple[str, str]:
    """The URI of a model and its name; of an alias, those of its version."""
    client, names = connect(), Names(registered_model=registered_model)
    if model not in ALIASES and ":/" not in model:
        raise UsageError(f"There is no model {model}. Accepted: {ACCEPTED}")
    if model not in ALIASES:
        return model, model
    version = Registry(client, names).version(model)
    if version is None:
        raise UserFacingError(
            f"There is no {model} of {registered_model} yet. Train and choose one: {names.command('main')}"
        )
    return f"models:/{registered_model}/{version.version}", f"Version {version.version} of {registered_model}"
