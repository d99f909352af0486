"""A Keras network as a classifier: the share that MLP and CNN have in common."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms.base import Classifier, Report
from mnist_mlflow.types import CLASSES, SIDE, Images, Part

WARM_UP = 0.3  # the share of the steps in which the learning rate rises


@dataclass(frozen=True)
class Schedule:
    """How a network learns: one cycle of the learning rate, stopped when the tuning slice gets no better."""

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int


class NetworkClassifier(Classifier):
    """Takes raw images: scaling is the network's first layer. The epoch that was best on the tuning slice is kept."""

    requirements = ("keras", "tensorflow")

    def __init__(self, layers: Callable[[], Sequence[Any]], schedule: Schedule, seed: int) -> None:
        self.layers, self.schedule, self.seed = layers, schedule, seed
        self.network: Any = None

    def _learn(self, train: Part, tuning: Part, report: Report) -> None:
        keras = _keras()
        _be_repeatable(self.seed)
        inputs = [keras.Input((SIDE, SIDE), dtype="uint8"), keras.layers.Rescaling(1 / 255)]
        self.network = keras.Sequential([*inputs, *self.layers(), keras.layers.Dense(CLASSES, dtype="float32")])
        self.network.compile(
            optimizer=keras.optimizers.Adam(_one_cycle(self.schedule, len(train))),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        self.network.fit(
            train.images,
            _one_hot(train),
            batch_size=self.schedule.batch_size,
            epochs=self.schedule.epochs,
            validation_data=(tuning.images, _one_hot(tuning)),
            validation_batch_size=1_000,
            callbacks=[_early_stopping(self.schedule.patience), _reporter(report, self.schedule.epochs)],
            verbose=0,
        )

    def _scores(self, images: Images) -> npt.NDArray[np.floating]:
        return np.asarray(self.network(images, training=False))

    def _save(self, folder: Path) -> None:
        self.network.save(folder / "network.keras", include_optimizer=False)

    def _restore(self, folder: Path) -> None:
        self.network = _keras().saving.load_model(folder / "network.keras", compile=False)


@functools.cache
def _keras() -> Any:
    """Keras on TensorFlow, without the greetings that TensorFlow writes before its log level applies."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras
        import tensorflow  # noqa: F401

        return keras
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _be_repeatable(seed: int) -> None:
    import tensorflow as tf

    _keras().utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def _one_hot(part: Part) -> npt.NDArray[np.float32]:
    return np.eye(CLASSES, dtype=np.float32)[part.labels]


def _one_cycle(schedule: Schedule, images: int) -> Any:
    """The learning rate rises in three tenths of the steps and falls along a cosine to nought (Smith, 2018)."""
    steps = schedule.epochs * math.ceil(images / schedule.batch_size)
    rising = max(1, int(WARM_UP * steps))
    return _keras().optimizers.schedules.CosineDecay(
        initial_learning_rate=schedule.learning_rate / 25,
        decay_steps=max(1, steps - rising),
        warmup_target=schedule.learning_rate,
        warmup_steps=rising,
    )


def _early_stopping(patience: int) -> Any:
    return _keras().callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)


def _reporter(report: Report, epochs: int) -> Any:
    def note(epoch: int, logs: Mapping[str, float]) -> None:
        metrics = {
            "train_loss": logs["loss"],
            "train_accuracy": logs["accuracy"],
            "epoch_val_loss": logs["val_loss"],
            "epoch_val_accuracy": logs["val_accuracy"],
        }
        report(epoch + 1, epochs, metrics)

    return _keras().callbacks.LambdaCallback(on_epoch_end=note)
