import numpy as np
import pytest

from mnist_mlflow.data.digits import load_digits


def test_all_of_them_in_mnist_geometry() -> None:
    digits = load_digits()
    assert digits.images.shape == (1797, 28, 28)
    assert digits.images.dtype == digits.labels.dtype == np.uint8
    assert set(digits.labels) == set(range(10))


def test_nobody_can_change_them_for_others() -> None:
    for array in (load_digits().images, load_digits().labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_ink_fills_a_box_of_20_pixels_centred_by_mass() -> None:
    images = load_digits().images.astype(float)
    ink = images > 64
    heights = np.ptp([np.flatnonzero(image.any(axis=1))[[0, -1]] for image in ink], axis=1) + 1
    widths = np.ptp([np.flatnonzero(image.any(axis=0))[[0, -1]] for image in ink], axis=1) + 1
    assert abs(np.median(np.maximum(heights, widths)) - 20) <= 1
    positions = np.arange(28)
    for axis in (1, 2):
        mass = images.sum(axis=axis)
        centres = (mass * positions).sum(axis=1) / mass.sum(axis=1)
        assert np.abs(centres - 13.5).max() < 0.5
