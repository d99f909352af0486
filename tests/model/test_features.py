import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mnist_mlflow.data import Dataset
from mnist_mlflow.model.features import FEATURES, deskew, hog
from mnist_mlflow.model.geometry import moments


def correlation(image: np.ndarray) -> float:
    y, x = np.mgrid[:28, :28]
    weights = image / image.sum()
    x, y = x - (weights * x).sum(), y - (weights * y).sum()
    return float((weights * x * y).sum() / np.sqrt((weights * x * x).sum() * (weights * y * y).sum()))


def test_deskewing_takes_the_slant_out_and_centres() -> None:
    slanted = np.zeros((28, 28), np.uint8)
    for row in range(4, 22):
        slanted[row, 20 - row // 2 : 23 - row // 2] = 255
    (upright,) = deskew(slanted[None])
    assert abs(correlation(slanted)) > 0.8
    assert abs(correlation(upright)) < 0.05
    mass = upright.sum(axis=0) @ np.arange(28) / upright.sum()
    assert mass == pytest.approx(13.5, abs=0.2)


@pytest.mark.parametrize("kind", FEATURES)
def test_features_of_one_image_are_those_of_a_batch(kind: str, digits: Dataset) -> None:
    images = digits.validation.images[:20]
    batch = FEATURES[kind](images)
    assert batch.dtype == np.float32
    assert np.array_equal(batch, np.concatenate([FEATURES[kind](image[None]) for image in images]))


def test_hog_sees_the_direction_of_an_edge_and_on_which_side_the_ink_is() -> None:
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[:, 4:24, 12:16] = 255
    upright, lying = (np.square(hog(image)).reshape(-1, 12).sum(axis=0) for image in (bar, bar.transpose(0, 2, 1)))
    for directions, first, second in ((upright, [11, 0], [5, 6]), (lying, [2, 3], [8, 9])):
        assert directions[first].sum() > 0.3 * directions.sum()
        assert directions[second].sum() > 0.3 * directions.sum()


def test_hog_of_a_column_of_images_is_that_of_each_alone(digits: Dataset) -> None:
    images = digits.validation.images[:20]
    descriptor = cv2.HOGDescriptor((28, 28), (14, 14), (7, 7), (7, 7), 12, 1, -1, 0, 0.2, False, 64, True)
    alone = np.stack([np.ravel(descriptor.compute(image)) for image in deskew(images)])
    assert np.array_equal(hog(images), np.sqrt(alone))


def moments_by_hand(image: np.ndarray) -> tuple[float, float, float, float, float]:
    y, x = np.mgrid[:28, :28]
    weights = image / image.sum()
    right, lower = (weights * x).sum(), (weights * y).sum()
    across, down = (weights * (x - right) ** 2).sum(), (weights * (y - lower) ** 2).sum()
    return right, lower, across, down, (weights * (x - right) * (y - lower)).sum()


def test_deskewed_images_are_what_a_plain_loop_makes_of_them(digits: Dataset) -> None:
    for image, found in zip(digits.train.images[:20], deskew(digits.train.images[:20]), strict=True):
        right, lower, across, down, both = moments_by_hand(image.astype(float))
        slant = both / down
        width, height = np.sqrt(across - slant * both), np.sqrt(down)
        x_scale, y_scale = np.sqrt(width / 4.2), np.sqrt(height / 5.6)
        y, x = np.mgrid[:28, :28] - 13.5
        source = [lower + y_scale * y, right + x_scale * x + slant * y_scale * y]
        expected = map_coordinates(image.astype(float), source, order=1)
        assert np.abs(found - expected).max() < 0.05 * 255  # OpenCV's weights have five bits


def test_moments_are_those_of_opencv(digits: Dataset) -> None:
    for image, sums in zip(digits.train.images[:20], moments(digits.train.images[:20]).transpose(2, 0, 1), strict=True):
        expected = cv2.moments(image)
        found = {f"m{j}{i}": sums[i, j] for i in range(3) for j in range(3 - i)}
        assert found == {name: expected[name] for name in found}


def test_an_image_without_ink_has_features_too() -> None:
    blank = np.zeros((1, 28, 28), np.uint8)
    line = blank.copy()
    line[:, 9, 5:20] = 200  # of one row, which has no slant
    assert np.array_equal(deskew(np.concatenate([blank, line])), np.concatenate([blank, line]))
    assert np.isfinite(hog(blank)).all()
