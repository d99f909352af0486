import numpy as np
from scipy.ndimage import map_coordinates

from mnist_mlflow.algorithms._augmentation import distort
from mnist_mlflow.data import Dataset


def test_distorted_images_are_what_matrices_make_of_them(digits: Dataset) -> None:
    """Each pixel looked up by hand, through the matrix that a plain loop composes."""
    images = digits.train.images[:3].astype(np.float32)
    angle, shear, across, down, right, lower = np.random.default_rng(5).uniform(-1.2, 1.2, (6, 3))
    warped = distort(images, 1.2, np.random.default_rng(5))
    for number, image in enumerate(images):
        a = np.deg2rad(8 * angle[number])
        stretch = np.diag([1 + 0.1 * across[number], 1 + 0.1 * down[number]])
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        linear = stretch @ turn @ np.array([[1, 0.1 * shear[number]], [0, 1]])
        moved = np.linalg.inv(linear)
        y, x = np.mgrid[:28, :28]
        target = np.stack([x.ravel() - 13.5 - 1.5 * right[number], y.ravel() - 13.5 - 1.5 * lower[number]])
        source = moved @ target + 13.5
        expected = map_coordinates(image, source[::-1], order=1).reshape(28, 28)
        assert np.abs(warped[number] - expected).max() < 0.04 * 255  # OpenCV's weights have five bits


def test_distortion_is_repeatable_and_none_at_strength_0(digits: Dataset) -> None:
    images = digits.train.images[:5]
    first, second = (distort(images, 1.0, np.random.default_rng(3)) for _ in range(2))
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert not np.array_equal(first, images)
    assert np.array_equal(distort(images, 0.0, np.random.default_rng(3)), images)
