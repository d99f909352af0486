import numpy as np
import pytest

from mnist_mlflow.data.label_errors import CORRECTED, IMAGES, UNREADABLE, set_right
from mnist_mlflow.types import Part


@pytest.fixture
def test_part() -> Part:
    """As many images as MNIST tests with, those with wrong labels in their places."""
    labels = np.zeros(IMAGES, np.uint8)
    for index, (given, _) in CORRECTED.items():
        labels[index] = given
    return Part(np.zeros((IMAGES, 28, 28), np.uint8), labels)


def test_wrong_labels_are_set_right_and_unreadable_images_left_out(test_part: Part) -> None:
    found = set_right(test_part)
    assert found
    labels, readable = found
    changed = np.flatnonzero(labels != test_part.labels)
    assert changed.tolist() == sorted(CORRECTED)
    assert labels[1901] == 4
    assert np.flatnonzero(~readable).tolist() == sorted(UNREADABLE)
    assert test_part.labels[1901] == 9


def test_other_images_have_no_known_wrong_labels(test_part: Part) -> None:
    test_part.labels[1901] = 3
    assert set_right(test_part) is None
    assert set_right(Part(test_part.images[:9], test_part.labels[:9])) is None
