"""Multilayer perceptron on HOG features: dense layers with batch normalisation and dropout.

Expect about 99.6 % on the test images, 40 s to learn 45,000 on two cores.

Learned again, it is the same on any number of threads. Another processor rounds otherwise. Learning carries that as
far as another seed does, 0.4 of a probability: there is no tolerance.

    mlflow run . -e mlp --env-manager local
    mlflow run . -e mlp --env-manager local -P units=256 -P epochs=5
"""

from __future__ import annotations

from typing import Any

from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.parameters import choice, integer, parameters, real
from mnist_mlflow.types import Examples

LIBRARY = EXTRA = "tensorflow"
SECONDS = 40
LEARNS_IN_STEPS = True
AMPLE = 8_192


@parameters
class Params:
    """The hyperparameters of the multilayer perceptron."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    copies: float = copies_of(0.5)
    units: int = integer(512, 8, 4_096, "neurons in each hidden layer")
    hidden_layers: int = integer(2, 1, 6, "how many hidden layers")
    dropout: float = real(0.4, 0.0, 0.9, "share of the neurons that rest at each step")
    epochs: int = integer(8, 1, 500, "passes over the training images at most")
    batch_size: int = integer(
        128, 8, 8_192, f"images in each step; in proportion fewer where fewer than {AMPLE:,} teach"
    )
    learning_rate: float = real(0.003, 1e-6, 1.0, "the highest learning rate of the cycle")
    patience: int = integer(5, 1, 500, "epochs without a better log loss on the tuning slice before it stops")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        features=trial.suggest_categorical("features", KINDS),
        units=trial.suggest_int("units", 128, 1_024, log=True),
        hidden_layers=trial.suggest_int("hidden_layers", 1, 3),
        dropout=trial.suggest_float("dropout", 0.0, 0.6),
        batch_size=trial.suggest_categorical("batch_size", (64, 128, 256)),
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 3e-2, log=True),
    )


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Scorer:
    """Train the network; the epoch that was best on the tuning slice is kept."""
    from mnist_mlflow.algorithms._network import Schedule, train_network

    schedule = Schedule(params.epochs, params.batch_size, AMPLE, params.learning_rate, params.patience)
    return train_network(lambda: build_layers(params), schedule, train, tuning, seed, callback)


def build_layers(params: Params) -> list[Any]:
    """Dense layers, each with batch normalisation, ReLU and dropout."""
    from keras.layers import Activation, BatchNormalization, Dense, Dropout

    from mnist_mlflow.algorithms._network import MOMENTUM

    return [
        layer
        for _ in range(params.hidden_layers)
        for layer in (
            Dense(params.units, use_bias=False),
            BatchNormalization(momentum=MOMENTUM),
            Activation("relu"),
            Dropout(params.dropout),
        )
    ]
