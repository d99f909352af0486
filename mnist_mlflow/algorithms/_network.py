"""A Keras network as a classifier: the share that MLP and CNN have in common."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._features import FeatureClassifier
from mnist_mlflow.algorithms._keras import be_repeatable, keras_on_tensorflow
from mnist_mlflow.algorithms.base import Watch
from mnist_mlflow.types import CLASSES, Examples, Features, Labels

MOMENTUM = 0.9  # of batch normalisation; Keras's 0.99 lags behind in the few steps that small data sets take
SMALLEST_BATCH = 8  # batch normalisation needs some company
WARM_UP = 0.3  # the share of the steps in which the learning rate rises


Augment = Callable[[Features, np.random.Generator], Features]


@dataclass(frozen=True)
class Schedule:
    """How a network learns: one cycle of the learning rate, stopped when the tuning slice gets no better.

    `ample` images make batches of the size that is asked for; fewer, smaller ones in proportion. What is seldom
    corrected learns little, however small the data set; and so a batch size that is good for a share of the images, at
    which searches look first, is good for all of them.
    """

    epochs: int
    batch_size: int
    ample: int
    learning_rate: float
    patience: int
    label_smoothing: float = 0.0

    def batch(self, images: int) -> int:
        """How many of so many images make a step."""
        return max(SMALLEST_BATCH, self.batch_size * min(images, self.ample) // self.ample)

    def steps(self, images: int) -> int:
        """How many steps it takes with so many images."""
        return self.epochs * math.ceil(images / self.batch(images))


class NetworkClassifier(FeatureClassifier):
    """Layers on features, and a dense one for the digits. The epoch that was best on the tuning slice is kept."""

    requirements = ("keras", "opencv-python-headless", "tensorflow")
    library = "tensorflow"
    learns_in_steps = True

    def __init__(self, features: str, layers: Callable[[], Sequence[Any]], schedule: Schedule, seed: int) -> None:
        super().__init__(features)
        self.layers, self.schedule, self.seed = layers, schedule, seed
        self.network: Any = None

    def _learn_features(self, train: Examples, tuning: Examples, watch: Watch) -> None:
        keras = keras_on_tensorflow()
        be_repeatable(self.seed)
        inputs = keras.Input((train.features.shape[1],))
        self.network = keras.Sequential([inputs, *self.layers(), keras.layers.Dense(CLASSES)])
        self.network.compile(
            optimizer=keras.optimizers.Adam(_one_cycle(self.schedule, len(train.labels))),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        )
        # What makes no variable while it is traced is traced once, not twice: the better part of a second.
        self.network.optimizer.build(self.network.trainable_variables)
        self.network.fit(
            **self._lessons(train),
            epochs=self.schedule.epochs,
            callbacks=[
                self._validating(tuning),
                _early_stopping(self.schedule.patience),
                _noting(watch, self.schedule.epochs),
                *([self._judging(watch, len(train.labels), tuning)] if watch.stages else []),
            ],
            verbose=0,
        )

    def _lessons(self, train: Examples) -> dict[str, Any]:
        """What Keras learns from, as arguments of its `fit`."""
        targets = one_hot(train.labels, self.schedule.label_smoothing)
        return {"x": train.features, "y": targets, "batch_size": self.schedule.batch(len(targets))}

    def _validating(self, tuning: Examples) -> Any:
        """What Keras does with `validation_data`, for which it would trace the network once more: half a second."""
        from scipy.special import log_softmax

        targets = one_hot(tuning.labels, self.schedule.label_smoothing)  # smooth too: they judge what is aimed at

        def validate(epoch: int, logs: dict[str, float]) -> None:
            scores = self._score_batches(tuning.features)
            logs["val_loss"] = -float(np.mean(np.sum(targets * log_softmax(scores, axis=1), axis=1)))
            logs["val_accuracy"] = float(np.mean(scores.argmax(axis=1) == tuning.labels))

        return keras_on_tensorflow().callbacks.LambdaCallback(on_epoch_end=validate)

    def _judging(self, watch: Watch, images: int, tuning: Examples) -> Any:
        """Lets the watch judge in the midst of an epoch too: what learns for two has few ends of them."""
        due = watch.due(self.schedule.steps(images))
        step = itertools.count(1)

        def judge(batch: int, logs: Mapping[str, float]) -> None:
            if stage := due.get(next(step)):
                scores = self._score_batches(tuning.features)
                watch.judge(stage, tuning.labels, self._calibrate(scores, tuning.labels))

        return keras_on_tensorflow().callbacks.LambdaCallback(on_train_batch_end=judge)

    def _score_features(self, features: Features) -> npt.NDArray[np.floating]:
        return np.asarray(self.network(features, training=False))

    def _save(self, folder: Path) -> None:
        keras = keras_on_tensorflow()
        # Without what the optimizer remembers, which is twice as large as the network.
        bare = keras.Sequential([keras.Input(self.network.input_shape[1:]), *self.network.layers])
        bare.save(folder / "network.keras")

    def _restore(self, folder: Path) -> None:
        self.network = keras_on_tensorflow().saving.load_model(folder / "network.keras", compile=False)


def one_hot(labels: Labels, smoothing: float = 0.0) -> npt.NDArray[np.float32]:
    """Labels (n,) as rows (n, 10) with a single one, of which `smoothing` is shared out among all digits.

    Source: Szegedy et al., Rethinking the inception architecture for computer vision, 2016.
    """
    rows = (1 - smoothing) * np.eye(CLASSES) + smoothing / CLASSES
    return np.asarray(rows, np.float32)[labels]


def _one_cycle(schedule: Schedule, images: int) -> Any:
    """The learning rate rises in three tenths of the steps and falls along a cosine to nought (Smith, 2018)."""
    steps = schedule.steps(images)
    rising = max(1, int(WARM_UP * steps))
    return keras_on_tensorflow().optimizers.schedules.CosineDecay(
        initial_learning_rate=schedule.learning_rate / 25,
        decay_steps=max(1, steps - rising),
        warmup_target=schedule.learning_rate,
        warmup_steps=rising,
    )


def augmented(examples: Examples, augment: Augment, schedule: Schedule, seed: int) -> Any:
    """Examples in batches and in another order in each epoch, their features changed anew by `augment`."""
    keras = keras_on_tensorflow()
    size = schedule.batch(len(examples.labels))

    class Batches(keras.utils.PyDataset):  # type: ignore[misc, name-defined]
        epoch = 0

        def __init__(self) -> None:
            super().__init__()
            self.on_epoch_end()

        def __len__(self) -> int:
            return math.ceil(len(examples.labels) / size)

        def __getitem__(self, index: int) -> tuple[Features, npt.NDArray[np.float32]]:
            rows = self.order[index * size :][:size]
            random = np.random.default_rng((seed, self.epoch, index))
            targets = one_hot(examples.labels[rows], schedule.label_smoothing)
            return augment(examples.features[rows], random), targets

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.order = np.random.default_rng((seed, self.epoch)).permutation(len(examples.labels))

    return Batches()


def _early_stopping(patience: int) -> Any:
    return keras_on_tensorflow().callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)


def _noting(watch: Watch, epochs: int) -> Any:
    def note(epoch: int, logs: Mapping[str, float]) -> None:
        metrics = {
            "train_loss": logs["loss"],
            "train_accuracy": logs["accuracy"],
            "epoch_val_loss": logs["val_loss"],
            "epoch_val_accuracy": logs["val_accuracy"],
        }
        watch.note(epoch + 1, epochs, metrics)

    return keras_on_tensorflow().callbacks.LambdaCallback(on_epoch_end=note)
