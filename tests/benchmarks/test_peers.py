from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from benchmarks.peers import common
from benchmarks.targets import ALGORITHMS
from mnist_mlflow.data import Dataset

# How well each reads the bundled digits after 500 of them: gamma=0.02 suits MNIST, and 15 epochs are few steps here.
FLOORS = {"logistic": 0.9, "knn": 0.9, "svm": 0.9, "forest": 0.9, "xgboost": 0.85, "mlp": 0.9, "cnn": 0.7}


def test_every_row_has_a_peer() -> None:
    assert set(ALGORITHMS) == set(FLOORS)
    assert all(import_module(f"benchmarks.peers.{name}") for name in ALGORITHMS)


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
@pytest.mark.parametrize("name", FLOORS)
def test_a_peer_learns_predicts_and_is_kept(name: str, digits: Dataset, tmp_path: Path) -> None:
    peer = import_module(f"benchmarks.peers.{name}")
    model = peer.fit(digits.train.images, digits.train.labels)
    labels = peer.predict(model, digits.test.images)
    assert labels.shape == digits.test.labels.shape
    assert (labels == digits.test.labels).mean() > FLOORS[name]
    common.save(model, tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.suffix == (".keras" if name in ("mlp", "cnn") else ".joblib")
    assert file.stat().st_size > 5_000


def test_pixels_are_from_0_to_1(digits: Dataset) -> None:
    pixels = common.pixels(digits.test.images)
    assert pixels.shape == (len(digits.test), 784)
    assert pixels.dtype == np.float32
    assert (pixels.min(), pixels.max()) == (0, 1)
