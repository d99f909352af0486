"""A model of this project that takes no training: the nearest of ten mean images."""

from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import DataType, ParamSchema, ParamSpec

from mnist_mlflow.data import Dataset
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import extract
from tests.scorers import linear

FEATURES = "pixels"


def mean_images(dataset: Dataset) -> DigitModel:
    features, labels = extract(FEATURES, dataset.train.images), dataset.train.labels
    means = np.stack([features[labels == digit].mean(axis=0) for digit in range(10)])
    return DigitModel(FEATURES, linear(2 * means, -(means**2).sum(axis=1)), 1.0)


def save_logged(model: DigitModel, folder: Path) -> Path:
    """Save a model in a new folder as MLflow does when it logs it, without code."""
    model.save(folder / "digit_model")
    loader = "mnist_mlflow.model.digit_model"
    data, path = str(folder / "digit_model"), folder / "logged"
    signature = ModelSignature(params=ParamSchema([ParamSpec("max_error", DataType.double, 0.001)]))
    mlflow.pyfunc.save_model(
        path, loader_module=loader, data_path=data, pip_requirements=["numpy"], signature=signature
    )
    return path
