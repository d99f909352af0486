import logging
import re
from dataclasses import replace

import numpy as np
import pytest

from mnist_mlflow.algorithms._no_digits import KINDS, no_digits
from mnist_mlflow.algorithms._novelty import learn_novelty
from mnist_mlflow.algorithms.abstention import with_abstention
from mnist_mlflow.algorithms.base import TrainedModel, get_algorithm, train_model
from mnist_mlflow.data import Dataset
from mnist_mlflow.model.features import hog
from mnist_mlflow.model.novelty import Novelty


@pytest.fixture(scope="module")
def novelty(digits: Dataset) -> Novelty:
    return learn_novelty(digits.train, digits.tuning)[0]


@pytest.fixture(scope="module")
def trained(digits: Dataset) -> TrainedModel:
    logistic = get_algorithm("logistic")
    return train_model(logistic, logistic.Params(), digits.train, digits.tuning, 0)


def test_images_that_are_no_digits_are_the_same_for_the_same_seed(digits: Dataset) -> None:
    images = no_digits(digits.train, 3)
    assert images.shape == (3 * len(KINDS), 28, 28)
    assert images.dtype == np.uint8
    assert images.any(axis=(1, 2)).all()
    assert np.array_equal(images, no_digits(digits.train, 3))
    assert not np.array_equal(images, no_digits(digits.train, 3, seed=1))


@pytest.mark.parametrize("make", [make for make in KINDS if make.__name__ != "overlays"])  # many of which are an 8
def test_most_of_what_is_no_digit_is_told(make: type, novelty: Novelty, digits: Dataset) -> None:
    images = make(digits.validation, 50, np.random.default_rng(1))
    assert novelty.is_far(hog(images)).mean() > 0.7


def test_digits_are_none_of_that(novelty: Novelty, digits: Dataset) -> None:
    assert novelty.is_far(hog(digits.validation.images)).mean() < 0.02


def test_a_model_is_sure_of_much_and_wrong_seldom(trained: TrainedModel, digits: Dataset) -> None:
    model = with_abstention(trained, digits.train, digits.tuning, 0.02).model
    readings = model.read(digits.validation.images)
    wrong = readings.probabilities.argmax(axis=1) != digits.validation.labels
    assert readings.sure.mean() > 0.7
    assert wrong[readings.sure].mean() < wrong.mean() < 0.02
    stricter = model.read(digits.validation.images, 0.015)
    assert not (stricter.sure & ~readings.sure).any()


def test_a_model_whose_confidence_says_nothing_is_sure_of_nothing(trained: TrainedModel, digits: Dataset) -> None:
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.full(10, 0.01), len(digits.tuning))
    model = with_abstention(replace(trained, tuning_probabilities=answers), digits.train, digits.tuning, 0.02).model
    assert not model.read(digits.validation.images).sure.any()


def test_a_slice_that_is_too_small_is_warned_of_with_what_it_can_promise(
    trained: TrainedModel, digits: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = with_abstention(trained, digits.train, digits.tuning, 0.001).model
    assert not model.read(digits.validation.images).sure.any()
    (record,) = caplog.records
    said = record.getMessage()
    assert re.match(r"Nothing is sure: 12\d tuning images are too few to promise max_error=0\.001\. The least ", said)
    promised = float(said.rpartition("=")[2])
    assert model.read(digits.validation.images, promised).sure.any()


def test_mistakes_that_leave_nothing_sure_are_warned_of(
    trained: TrainedModel, digits: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    answers = np.eye(10)[(digits.tuning.labels + (np.arange(len(digits.tuning)) % 10 == 0)) % 10]
    with caplog.at_level(logging.WARNING):
        model = with_abstention(replace(trained, tuning_probabilities=answers), digits.train, digits.tuning, 0.02).model
    assert not model.read(digits.validation.images).sure.any()
    (record,) = caplog.records
    words = r"Nothing is sure: of 12\d tuning images 1\d are misread, .*=0\.02 cannot be promised\. The least "
    assert re.match(words, record.getMessage())
    assert float(record.getMessage().rpartition("=")[2]) > 0.1
