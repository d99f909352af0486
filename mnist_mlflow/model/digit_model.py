"""DigitModel: the one model that wraps every algorithm, in the store, in the registry and behind REST."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_mlflow.algorithms._ensemble import Ensemble
from mnist_mlflow.algorithms.base import Classifier, get_algorithm
from mnist_mlflow.model.images import as_images
from mnist_mlflow.types import PROBABILITY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "model.json"
MEMBERS = "members"
ENSEMBLE = "ensemble"


class DigitModel:
    """Takes images in any form that `as_images` accepts; returns digits with their probabilities."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def predict(self, data: Any) -> pd.DataFrame:
        """A row for each image: `digit`, its `confidence`, and the probabilities `p0` to `p9`.

        Takes (n, 28, 28) or (n, 784), arrays, lists or DataFrames, integers 0-255 or floats 0-1 or 0-255.
        Raises ImageError, a ValueError, that says what was wrong and what is accepted.
        """
        import pandas as pd

        probabilities = self.classifier.predict_proba(as_images(data))
        columns = dict(zip(PROBABILITY_COLUMNS, probabilities.T, strict=True))
        digits, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
        return pd.DataFrame({"digit": digits, "confidence": confidence, **columns})


def save_model(folder: Path, algorithm: str, params: Any, seed: int, classifier: Classifier) -> None:
    """Keep a classifier that has learned, with what it takes to build it again, in a folder without code."""
    folder.mkdir(parents=True)
    description = {"algorithm": algorithm, "params": dataclasses.asdict(params), "seed": seed}
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2))
    classifier.save(folder)


def save_ensemble(folder: Path, weights: Sequence[float], members: Sequence[Path], ensemble: Classifier) -> None:
    """Keep an ensemble in a folder: the members' own folders, as they were logged, and the weights of their votes."""
    for number, member in enumerate(members):
        shutil.copytree(member, folder / MEMBERS / f"{number:02d}")
    (folder / DESCRIPTION).write_text(json.dumps({"algorithm": ENSEMBLE, "weights": list(weights)}, indent=2))
    ensemble.save(folder)


def load_classifier(folder: Path) -> Classifier:
    """The classifier that `save_model` or `save_ensemble` kept in a folder."""
    description = json.loads((folder / DESCRIPTION).read_text())
    if description["algorithm"] == ENSEMBLE:
        members = [load_classifier(member) for member in sorted((folder / MEMBERS).iterdir())]
        return Ensemble(members, description["weights"]).restore(folder)
    algorithm = get_algorithm(description["algorithm"])
    return algorithm.build(algorithm.Params(**description["params"]), description["seed"]).restore(folder)


def _load_pyfunc(path: str) -> DigitModel:
    """What MLflow calls to load a logged model."""
    return DigitModel(load_classifier(Path(path)))
