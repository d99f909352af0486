from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mnist_mlflow.algorithms.base import get_algorithm, resolve, train_model
from mnist_mlflow.data import Dataset
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from mnist_mlflow.types import Images

Read = Callable[[Images], npt.NDArray[np.intp]]
BLANK = np.zeros((2, 28, 28), np.uint8)
WITHOUT_CHANCE = {"thin", "thick", "blur", "contrast", "brightness", "jpeg", "inverted", "low_resolution"}
# What a model bears that has seen nothing like it, and that is handed the images as they are.
MILD = set(CORRUPTIONS) - {"frame", "ruled_line", "strike_through", "inverted", "light", "brightness", "contrast"}


@pytest.fixture(scope="module")
def images(digits: Dataset) -> Images:
    return digits.validation.images[:60]


@pytest.fixture(scope="module")
def read(digits: Dataset) -> Read:
    """Reads canonical digits."""
    logistic = get_algorithm("logistic")
    model = train_model(logistic, resolve(logistic, {}), digits.train, digits.tuning, 0).model
    return lambda images: model.predict_proba(images).argmax(axis=1)


def test_there_are_twenty() -> None:
    assert len(CORRUPTIONS) == 20


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_image_is_changed_the_more_the_stronger(images: Images, name: str) -> None:
    before = images.astype(float) if name != "inverted" else 255.0 - images
    changes = []
    for strength in STRENGTHS:
        changed = corrupt(images, name, strength)
        assert changed.shape == images.shape
        assert changed.dtype == images.dtype
        assert (changed != images).any(axis=(1, 2)).all()
        changes.append(np.abs(changed - before).mean())
    assert changes == sorted(set(changes))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_seed_decides_all_chance(images: Images, name: str) -> None:
    first, second, other = (corrupt(images, name, 2, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert np.array_equal(first, other) == (name in WITHOUT_CHANCE)


@pytest.mark.parametrize("name", sorted(MILD))
def test_what_is_changed_a_little_is_still_read(digits: Dataset, read: Read, name: str) -> None:
    validation = digits.validation
    right = [
        (read(changed) == validation.labels).mean()
        for changed in (validation.images, corrupt(validation.images, name, 1))
    ]
    assert right[1] >= right[0] - 0.1


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_without_ink_is_no_error(name: str) -> None:
    assert corrupt(BLANK, name, 3).shape == BLANK.shape


def test_images_stay_what_they_are(images: Images) -> None:
    copy = images.copy()
    for name in CORRUPTIONS:
        corrupt(images, name, 3)
    assert np.array_equal(images, copy)
