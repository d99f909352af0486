from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from sklearn.neighbors import KNeighborsClassifier

from mnist_mlflow.algorithms import _augmentation
from mnist_mlflow.algorithms._augmentation import (
    BLUR,
    bend,
    blur,
    change_contrast,
    change_pen,
    distort,
    varied_copies,
    vary,
)
from mnist_mlflow.algorithms._strokes import Ink
from mnist_mlflow.data import Dataset
from mnist_mlflow.model.features import hog
from mnist_mlflow.types import SIDE


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


class Fixed(np.random.Generator):
    """Draws the lowest (0), the middle (0.5) or the highest (1) number wherever numbers are drawn evenly."""

    def __init__(self, place: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.place = place

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return np.full(size or (), low + self.place * (high - low))


LOWEST, MIDDLE, HIGHEST = Fixed(0), Fixed(0.5), Fixed(1)


@pytest.fixture
def ink(digits: Dataset) -> Ink:
    return (digits.train.images[:20] / 255).astype(np.float32)


def test_each_image_is_varied_in_a_way_of_its_own_that_a_seed_repeats(digits: Dataset) -> None:
    images, labels = digits.train.images[:50], digits.train.labels[:50]
    first, second, other = (vary(images, labels, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    assert np.array_equal(first, second)
    assert all((first != images).any(axis=(1, 2)) & (first != other).any(axis=(1, 2)))
    twice = vary(images[[0, 0]], labels[[0, 0]], np.random.default_rng(3))
    assert not np.array_equal(*twice)


def test_a_varied_digit_is_still_that_digit(digits: Dataset) -> None:
    """By what its nearest neighbours are among those that were not varied."""
    teach, asked = digits.train.images, digits.validation.images
    varied = vary(asked, digits.validation.labels, np.random.default_rng(0))
    nearest = KNeighborsClassifier(1).fit(hog(teach), digits.train.labels)
    assert nearest.score(hog(varied), digits.validation.labels) > 0.9


def test_the_middle_of_all_that_is_drawn_changes_nothing(ink: Ink) -> None:
    for change in (bend, change_pen, blur, change_contrast):
        assert np.allclose(change(ink, MIDDLE), ink, atol=1e-5), change


def test_some_digits_are_widened_until_they_fill_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    digit = np.zeros((2, SIDE, SIDE), np.float32)
    digit[0, 4:24, 9:19] = 1  # 20 x 10
    digit[1, 4:24, 12:16] = 1  # 20 x 4
    monkeypatch.setattr(_augmentation, "BOXED", 1.0)
    widened = bend(digit, MIDDLE) > 0.5
    assert widened.any(axis=1).sum(axis=1).tolist() == [20, 10]  # at most two and a half times as wide
    assert widened.any(axis=2).sum(axis=1).tolist() == [20, 20]


def test_pens_are_up_to_a_pixel_wider_or_narrower(ink: Ink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_augmentation, "PEN", 1.0)
    wide, narrow = change_pen(ink, HIGHEST), change_pen(ink, LOWEST)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    assert np.allclose(wide[0], cv2.dilate(ink[0], cross))
    assert all((narrow > 0.5).sum(axis=(1, 2)) < (ink > 0.5).sum(axis=(1, 2)))
    assert np.allclose(narrow.max(axis=(1, 2)), ink.max(axis=(1, 2)))


def test_a_hairline_does_not_vanish() -> None:
    hairline = np.zeros((1, SIDE, SIDE), np.float32)
    hairline[0, 4:24, 14] = 1
    assert np.array_equal(change_pen(hairline, LOWEST), hairline)


def test_a_camera_out_of_focus_spreads_the_ink(ink: Ink) -> None:
    kernel = np.array([BLUR, 1 - 2 * BLUR, BLUR])
    expected = cv2.sepFilter2D(ink[0], -1, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    assert np.allclose(blur(ink, HIGHEST)[0], expected, atol=1e-6)
    assert np.array_equal(blur(ink, LOWEST), ink)


def test_contrast_moves_grey_and_leaves_black_and_white(ink: Ink) -> None:
    lighter, darker = change_contrast(ink, HIGHEST), change_contrast(ink, LOWEST)
    grey = (ink > 0.1) & (ink < 0.9)
    assert all(lighter[grey] > ink[grey])
    assert all(darker[grey] < ink[grey])
    for changed in (lighter, darker):
        assert np.array_equal(changed[(ink == 0) | (ink == 1)], ink[(ink == 0) | (ink == 1)])
        assert 0 <= changed.min() <= changed.max() <= 1


def test_copies_are_features_of_varied_images_with_their_labels(digits: Dataset) -> None:
    copies = varied_copies(digits.train, 1.5, "hog", seed=2)
    assert copies.features.shape == (750, hog(digits.train.images[:1]).shape[1])
    assert sorted(copies.labels[:500]) == sorted(digits.train.labels)
    nearest = KNeighborsClassifier(1).fit(hog(digits.train.images), digits.train.labels)
    assert nearest.score(copies.features, copies.labels) > 0.9
    again, other = (varied_copies(digits.train, 1.5, "hog", seed) for seed in (2, 3))
    assert np.array_equal(copies.features, again.features)
    assert not np.array_equal(copies.features, other.features)


def test_a_share_of_copies_is_one_at_least(digits: Dataset) -> None:
    assert len(varied_copies(digits.train, 1e-4, "hog", seed=0).labels) == 1
