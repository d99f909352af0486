from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest
from fastapi import FastAPI

from mnist_mlflow.data import Dataset
from mnist_mlflow.jobs.serving.app import build_app
from mnist_mlflow.tracking.readers import Reader
from tests.readers import mean_images, save_logged


@pytest.fixture(scope="session")
def logged(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a logged model."""
    return save_logged(mean_images(digits), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def reader(logged: Path) -> Reader:
    pyfunc = mlflow.pyfunc.load_model(str(logged))
    return Reader("Version 3 of ada", pyfunc, pyfunc.get_raw_model())


@pytest.fixture
def app(reader: Reader) -> FastAPI:
    return build_app(reader, "digits.example", max_error=None)


@pytest.fixture(scope="session")
def png() -> bytes:
    """A picture of a one: bright ink on a dark ground."""
    image = np.zeros((28, 28), np.uint8)
    cv2.line(image, (14, 4), (14, 23), 255, 3)
    return cv2.imencode(".png", image)[1].tobytes()
