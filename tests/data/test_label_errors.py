import numpy as np
import pytest

from mnist_mlflow.data.label_errors import CORRECTED, MNIST, UNREADABLE, set_right
from mnist_mlflow.types import Part

IMAGES = 10_000


@pytest.fixture
def test_part() -> Part:
    """As many images as MNIST tests with, those with wrong labels in their places."""
    labels = np.zeros(IMAGES, np.uint8)
    for index, (given, _) in CORRECTED.items():
        labels[index] = given
    return Part(np.zeros((IMAGES, 28, 28), np.uint8), labels)


def test_wrong_labels_are_set_right_and_unreadable_images_left_out(test_part: Part) -> None:
    corrections = set_right(test_part, MNIST)
    assert corrections
    labels, readable = corrections
    changed = np.flatnonzero(labels != test_part.labels)
    assert changed.tolist() == sorted(CORRECTED)
    assert labels[1901] == 4
    assert np.flatnonzero(~readable).tolist() == sorted(UNREADABLE)
    assert test_part.labels[1901] == 9


def test_another_data_set_has_no_known_wrong_labels(test_part: Part) -> None:
    assert set_right(test_part, "another") is None
