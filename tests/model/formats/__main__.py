"""Writes the models of today's format; those of before stay as they are."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mnist_mlflow.algorithms.abstention import with_abstention
from mnist_mlflow.algorithms.base import get_algorithm, train_model
from mnist_mlflow.data import load_dataset
from mnist_mlflow.model.archive import pack
from mnist_mlflow.model.digit_model import FORMAT, DigitModel
from mnist_mlflow.model.features import IMAGES
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.model.scorers.vote import Vote
from tests.model.formats import ANSWERS, FOLDER

TINY: dict[str, dict[str, Any]] = {
    "cnn": {"epochs": 2, "filters": 2},
    "forest": {"n_estimators": 3},
    "knn": {"components": 5},
    "logistic": {},
    "mlp": {"epochs": 2, "units": 8},
    "svm": {"components": 5},
    "xgboost": {"rounds": 3},
}
IMAGES_KEPT = 10


def small(novelty: Novelty) -> Novelty:
    """The novelty in two directions instead of sixty, which take a quarter of a megabyte."""
    few = {
        "directions": novelty.directions[:2],
        "means": novelty.means[:, :2],
        "whiteners": novelty.whiteners[:, :2, :2],
    }
    return Novelty.from_arrays(vars(novelty) | few)


def main() -> None:
    """Write a model of each algorithm, a vote of two, and their answers."""
    folder = FOLDER / str(FORMAT)
    if folder.exists():
        sys.exit(f"{folder} is there: a format that was logged stays what it is.")
    data, models = load_dataset("digits", train_size=100), {}
    for name, given in TINY.items():
        algorithm = get_algorithm(name)
        params = algorithm.Params(copies=0.0, **given)
        trained = train_model(algorithm, params, data.train, data.tuning, 0)
        model = with_abstention(trained, data.train, data.tuning, 0.1).model
        assert model.abstention
        models[name] = replace(model, abstention=replace(model.abstention, novelty=small(model.abstention.novelty)))
    members = [replace(models[name], abstention=None) for name in ("logistic", "mlp")]
    models["ensemble"] = DigitModel(IMAGES, Vote(members, [0.25, 0.75]), 1.5, models["mlp"].abstention)
    images = data.validation.images[:IMAGES_KEPT]
    write(folder, models, images)


def write(folder: Path, models: dict[str, DigitModel], images: np.ndarray) -> None:
    """Write the models, the images, the probabilities of these and which of them are sure."""
    folder.mkdir()
    answers: dict[str, np.ndarray] = {}
    for name, model in models.items():
        with tempfile.TemporaryDirectory() as parent:
            model.save(Path(parent) / name)
            pack(Path(parent) / name, folder / f"{name}.zip")
        readings = model.read(images)
        answers |= {f"{name}_probabilities": readings.probabilities, f"{name}_why": readings.why.astype(str)}
    np.savez_compressed(folder / ANSWERS, images=images, **answers)  # type: ignore[arg-type]


main()
