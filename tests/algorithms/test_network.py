from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mnist_mlflow.algorithms._network import AugmentedBatches, Epochs, Schedule, metrics_of, one_cycle, one_hot
from mnist_mlflow.algorithms.base import Callback, get_algorithm
from mnist_mlflow.data import Dataset, features_of
from mnist_mlflow.types import Examples, Features

SCHEDULE = Schedule(epochs=4, batch_size=8, ample=512, learning_rate=0.01, patience=4, label_smoothing=0.1)


def examples(count: int) -> Examples:
    """Each feature is the image's number, each label its last digit."""
    numbers = np.arange(count)
    return Examples(numbers[:, None].astype(np.float32), (numbers % 10).astype(np.uint8))


def test_smoothing_shares_out_some_of_the_truth() -> None:
    rows = one_hot(np.array([3, 0], np.uint8), 0.1)
    assert rows.dtype == np.float32
    assert rows.shape == (2, 10)
    assert np.allclose(rows.sum(axis=1), 1)
    assert rows[0, 3] == pytest.approx(0.91)
    assert rows[0, [0, 9]] == pytest.approx(0.01)
    assert np.array_equal(one_hot(np.array([3], np.uint8)), np.eye(10)[[3]])


@pytest.mark.parametrize(("batch_size", "batches"), [(128, [8, 50, 128]), (256, [8, 100, 256]), (512, [8, 200, 512])])
def test_a_share_of_the_images_makes_smaller_steps_in_proportion(batch_size: int, batches: list[int]) -> None:
    schedule = Schedule(epochs=1, batch_size=batch_size, ample=16_384, learning_rate=0.01, patience=1)
    assert [schedule.batch(images) for images in (100, 6_400, 45_000)] == batches


def test_the_learning_rate_rises_and_falls_in_one_cycle() -> None:
    rate = one_cycle(SCHEDULE, 800)  # 400 steps, of which 120 rise
    rates = np.array([float(rate(step)) for step in range(401)])
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates.argmax() == 120
    assert rates.max() == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0, abs=1e-6)
    assert (np.diff(rates[:120]) > 0).all()
    assert (np.diff(rates[121:]) < 0).all()


@pytest.fixture(scope="module")
def learned(digits: Dataset) -> tuple[Any, Mapping[str, float]]:
    """A small network that has learned for an epoch, with its smoothed labels, and the metrics of that epoch."""
    reported: list[Mapping[str, float]] = []

    class Recorder(Callback):
        def on_epoch(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
            reported.append(metrics)

    cnn = get_algorithm("cnn")
    lessons, judges = (Examples(features_of(part, "deskewed"), part.labels) for part in (digits.train, digits.tuning))
    return cnn.fit(cnn.Params(epochs=1, filters=4), lessons, judges, 0, Recorder()), reported[0]


@pytest.fixture
def network(learned: tuple[Any, object], tmp_path: Path) -> Any:
    """The network from which Keras could go on learning."""
    path = tmp_path / "network.keras"
    path.write_bytes(learned[0].learned[path.name])
    return keras.saving.load_model(path)


def test_the_graph_answers_as_the_network_does(learned: tuple[Any, object], network: Any, digits: Dataset) -> None:
    features = features_of(digits.validation, "deskewed")
    assert np.allclose(learned[0].score(features), network(features, training=False), atol=1e-4)


def test_a_kept_network_does_not_remember_how_it_learned(network: Any) -> None:
    assert getattr(network, "optimizer", None) is None


def test_a_kept_network_learns_on(network: Any, digits: Dataset) -> None:
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    features, labels = features_of(digits.tuning, "deskewed"), digits.tuning.labels
    before = network.evaluate(features, labels, verbose=0)
    network.fit(features, labels, epochs=3, verbose=0)
    assert network.evaluate(features, labels, verbose=0) < before


def test_curves_show_the_log_loss_though_labels_are_smoothed(
    learned: tuple[Any, Mapping[str, float]], network: Any, digits: Dataset
) -> None:
    features, labels = features_of(digits.tuning, "deskewed"), digits.tuning.labels
    network.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    loss, accuracy = network.evaluate(features, labels, verbose=0)
    assert learned[1]["epoch_val_loss"] == pytest.approx(loss, rel=1e-4)
    assert learned[1]["epoch_val_accuracy"] == pytest.approx(accuracy)
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True)
    network.compile(loss=smoothed, metrics=metrics_of(SCHEDULE))
    told = network.evaluate(features, one_hot(labels, SCHEDULE.label_smoothing), verbose=0, return_dict=True)
    assert told["log_loss"] == pytest.approx(loss, rel=1e-4)
    assert told["loss"] > told["log_loss"] + 0.1


def test_learning_stops_by_the_loss_that_it_aims_at(network: Any, digits: Dataset) -> None:
    tuning = Examples(features_of(digits.tuning, "deskewed"), digits.tuning.labels)
    epochs = Epochs(tuning, SCHEDULE, Callback())
    epochs.set_model(network)
    logs = {"loss": 0.7, "log_loss": 0.1, "accuracy": 0.9}
    epochs.on_epoch_end(0, logs)
    network.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    targets = one_hot(tuning.labels, SCHEDULE.label_smoothing)
    assert logs["val_loss"] == pytest.approx(network.evaluate(tuning.features, targets, verbose=0), rel=1e-4)


def unchanged(features: Features, random: np.random.Generator) -> Features:
    return features


def test_every_image_is_a_lesson_once_an_epoch_with_its_own_label() -> None:
    batches = AugmentedBatches(examples(30), unchanged, SCHEDULE, seed=0)
    lessons = [batches[index] for index in range(len(batches))]
    assert [len(features) for features, _ in lessons] == [8, 8, 8, 6]
    numbers = np.concatenate([features[:, 0] for features, _ in lessons])
    targets = np.concatenate([targets for _, targets in lessons])
    assert sorted(numbers) == list(range(30))
    assert np.array_equal(targets.argmax(axis=1), numbers % 10)
    assert targets.max() == pytest.approx(0.91)


def test_every_epoch_has_an_order_and_changes_of_its_own_and_the_same_for_the_same_seed() -> None:
    def noisy(features: Features, random: np.random.Generator) -> Features:
        return features + random.uniform(0, 0.5, features.shape).astype(np.float32)

    def epochs(seed: int) -> list[np.ndarray]:
        batches = AugmentedBatches(examples(30), noisy, SCHEDULE, seed)
        first = batches[0][0]
        batches.on_epoch_end()
        return [first, batches[0][0]]

    (first, second), again, other = epochs(0), epochs(0), epochs(1)
    assert not np.array_equal(first, second)
    assert np.array_equal([first, second], again)
    assert not np.array_equal(first, other[0])
    assert not np.array_equal(first % 1, second % 1)
