"""The training of Keras networks, which MLP and CNN share. Importing this file imports Keras and TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.network import as_graph, keras
from mnist_mlflow.algorithms._optimizer import OPTIMIZERS
from mnist_mlflow.algorithms.base import Callback
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.types import CLASSES, Examples, Features, Labels, Scores, batches

MOMENTUM = 0.9  # of batch normalisation; Keras's 0.99 lags behind in the few steps that small data sets take
SMALLEST_BATCH = 8  # batch normalisation needs some company
WARM_UP = 0.3  # the share of the steps in which the learning rate rises
LOG_LOSS = "log_loss"  # the name of a metric of Keras

Augment = Callable[[Features, np.random.Generator], Features]


@dataclass(frozen=True)
class Schedule:
    """One cycle of the learning rate, which stops when the tuning slice gets no better.

    From `ample` images on, batches have the size `batch_size`; fewer images make smaller batches in proportion. A
    network needs a certain number of steps, however small the data set. A batch size that is good for a share of the
    images, as searches try first, is good for all.
    """

    epochs: int
    batch_size: int
    ample: int
    learning_rate: float
    patience: int
    label_smoothing: float = 0.0
    optimizer: str = "adam"

    def batch(self, images: int) -> int:
        """The images of a step, where there are so many in all."""
        return max(SMALLEST_BATCH, self.batch_size * min(images, self.ample) // self.ample)

    def steps(self, images: int) -> int:
        """The steps of all epochs with so many images."""
        return self.epochs * math.ceil(images / self.batch(images))


def train_network(
    build_layers: Callable[[], Sequence[Any]],
    schedule: Schedule,
    train: Examples,
    tuning: Examples,
    seed: int,
    callback: Callback,
    augment: Augment | None = None,
) -> Graph:
    """Train layers and a dense one for the digits; the epoch that was best on the tuning slice is kept."""
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()  # sums are added up in the same order each time
    network = keras.Sequential([keras.Input((train.features.shape[1],)), *build_layers(), keras.layers.Dense(CLASSES)])
    network.compile(
        optimizer=OPTIMIZERS[schedule.optimizer](one_cycle(schedule, len(train.labels))),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=metrics_of(schedule),
    )
    # What makes no variable while it is traced is traced once, not twice: the better part of a second.
    network.optimizer.build(network.trainable_variables)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=schedule.patience, restore_best_weights=True)
    watching: list[Any] = [Epochs(tuning, schedule, callback), stopping]
    if callback.watches_steps:
        watching.append(Steps(tuning, schedule.steps(len(train.labels)), callback))
    if augment:
        data = {"x": AugmentedBatches(train, augment, schedule, seed), "shuffle": False}
    else:
        targets = one_hot(train.labels, schedule.label_smoothing)
        data = {"x": train.features, "y": targets, "batch_size": schedule.batch(len(targets))}
    try:
        network.fit(**data, epochs=schedule.epochs, callbacks=watching, verbose=0)
        return as_graph(network)
    except (KeyboardInterrupt, SystemExit):
        if stopping.best_weights is not None:  # since the first epoch
            network.set_weights(stopping.best_weights)
            callback.on_interrupt(as_graph(network))
        raise


def metrics_of(schedule: Schedule) -> list[Any]:
    """The accuracy, and where labels are smoothed the log loss, which the loss is not then."""
    accuracy = keras.metrics.CategoricalAccuracy("accuracy")
    return [accuracy, keras.metrics.MeanMetricWrapper(log_loss, LOG_LOSS)] if schedule.label_smoothing else [accuracy]


def log_loss(targets: Any, scores: Any) -> Any:
    """The log loss (n,) of logits (n, 10) for labels as rows (n, 10), smoothed or not."""
    return keras.losses.sparse_categorical_crossentropy(keras.ops.argmax(targets, axis=1), scores, from_logits=True)


def logits(network: Any, features: Features) -> Scores:
    """The logits (n, 10) of features (n, d), a thousand at a time."""
    return np.concatenate([np.asarray(network(batch, training=False)) for batch in batches(features)])


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Scores the tuning slice after each epoch, and reports.

    Keras does the same with `validation_data`, for which it traces the network once more: half a second.
    """

    def __init__(self, tuning: Examples, schedule: Schedule, callback: Callback) -> None:
        super().__init__()
        self.tuning, self.epochs, self.callback = tuning, schedule.epochs, callback
        self.targets = one_hot(tuning.labels, schedule.label_smoothing)  # smooth too: they judge what is aimed at

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Add `val_loss`, by which EarlyStopping decides next; report the log loss, which smoothing has no part in."""
        from scipy.special import log_softmax

        scores, labels = logits(self.model, self.tuning.features), self.tuning.labels
        log_probabilities = log_softmax(scores, axis=1)
        logs["val_loss"] = -float(np.mean(np.sum(self.targets * log_probabilities, axis=1)))
        metrics = {
            "train_loss": logs.get(LOG_LOSS, logs["loss"]),
            "train_accuracy": logs["accuracy"],
            "epoch_val_loss": -float(np.mean(log_probabilities[np.arange(len(labels)), labels])),
            "epoch_val_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
        }
        self.callback.on_epoch(epoch + 1, self.epochs, metrics)


class Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each batch: a network that learns for two epochs has few ends of them."""

    def __init__(self, tuning: Examples, steps: int, callback: Callback) -> None:
        super().__init__()
        self.tuning, self.steps, self.callback = tuning, steps, callback
        self.step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the batch, and report it."""
        self.step += 1
        self.callback.on_step(self.step, self.steps, lambda: logits(self.model, self.tuning.features))


def one_hot(labels: Labels, smoothing: float = 0.0) -> npt.NDArray[np.float32]:
    """Labels (n,) as rows (n, 10) with a single one, of which `smoothing` is shared out among all digits.

    Source: Szegedy et al., Rethinking the inception architecture for computer vision, 2016.
    """
    rows = (1 - smoothing) * np.eye(CLASSES) + smoothing / CLASSES
    return np.asarray(rows, np.float32)[labels]


def one_cycle(schedule: Schedule, images: int) -> Any:
    """The learning rate rises in three tenths of the steps and falls along a cosine to zero (Smith, 2018)."""
    steps = schedule.steps(images)
    rising = max(1, int(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=schedule.learning_rate / 25,
        decay_steps=max(1, steps - rising),
        warmup_target=schedule.learning_rate,
        warmup_steps=rising,
    )


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Examples in batches, in another order in each epoch, their features changed by `augment`."""

    def __init__(self, examples: Examples, augment: Augment, schedule: Schedule, seed: int) -> None:
        super().__init__()
        self.examples, self.augment, self.schedule, self.seed = examples, augment, schedule, seed
        self.size = schedule.batch(len(examples.labels))
        self.epoch = 0
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.examples.labels) / self.size)

    def __getitem__(self, index: int) -> tuple[Features, npt.NDArray[np.float32]]:
        rows = self.order[index * self.size :][: self.size]
        random = np.random.default_rng((self.seed, self.epoch, index))
        targets = one_hot(self.examples.labels[rows], self.schedule.label_smoothing)
        return self.augment(self.examples.features[rows], random), targets

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self.epoch += 1
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.examples.labels))
