import cv2
import numpy as np
import pandas as pd
import pytest
from mnist_mlflow.model.images import FEATURES, as_images, centre_by_mass, deskew, distort, hog
from scipy.ndimage import map_coordinates

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import ImageError

SAMPLE = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
FLAT = SAMPLE.reshape(5, 784)

FORMS = {
    "uint8 (n, 28, 28)": SAMPLE,
    "uint8 (n, 784)": FLAT,
    "int64": SAMPLE.astype(np.int64),
    "float 0-1": SAMPLE / 255,
    "float32 0-1": (SAMPLE / 255).astype(np.float32),
    "float 0-255": SAMPLE.astype(np.float64),
    "lists": SAMPLE.tolist(),
    "flat lists": FLAT.tolist(),
    "lists of floats": (SAMPLE / 255).tolist(),
    "list of arrays": list(SAMPLE),
    "DataFrame": pd.DataFrame(FLAT),
    "DataFrame of floats": pd.DataFrame(FLAT / 255),
    "DataFrame of objects": pd.DataFrame(FLAT).astype(object),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_accepted_form_is_the_same_images(form: str) -> None:
    images = as_images(FORMS[form])
    assert images.dtype == np.uint8
    assert np.array_equal(images, SAMPLE)


def test_integers_are_0_to_255_even_when_all_are_dark() -> None:
    assert as_images(np.ones((1, 28, 28), np.int64)).max() == 1
    assert as_images(np.ones((1, 28, 28))).max() == 255


def spoilt(value: float) -> np.ndarray:
    images = SAMPLE.astype(np.float64)
    images[3, 2, 1] = value
    return images


REFUSED = {
    "NaN": (spoilt(np.nan), "NaN .first in image 3"),
    "27 x 28": (SAMPLE[:, :27], r"shape \(5, 27, 28\)"),
    "-1": (spoilt(-1), "values below 0 .first in image 3: -1"),
    "256": (spoilt(256), "values above 255 .first in image 3: 256"),
    "infinity": (spoilt(np.inf), "values above 255 .first in image 3: inf"),
    "an integer above 255": (SAMPLE.astype(np.int64) + 300, "values above 255"),
    "an empty batch": (SAMPLE[:0], "no images in the batch"),
    "an empty list": ([], "no images in the batch"),
    "a number": (7, "no images in the batch"),
    "one image": (SAMPLE[0], r"shape \(28, 28\).*images\[None\]"),
    "one flat image": (FLAT[0], r"shape \(784,\).*images\[None\]"),
    "a channel axis": (SAMPLE[..., None], r"shape \(5, 28, 28, 1\)"),
    "booleans": (SAMPLE > 9, "hold bool values"),
    "text": ([["a"] * 784], "hold <U1 values"),
    "text in a DataFrame": (pd.DataFrame([["a"] * 784]), "not one block of numbers"),
    "ragged lists": ([[1, 2], [3]], "not one block of numbers"),
    "a dict": ({"images": FLAT}, r"a dict with the keys \['images'\]"),
    "None": (None, "not one block of numbers|no images"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_everything_else_is_refused_with_what_is_accepted(form: str) -> None:
    data, reason = REFUSED[form]
    with pytest.raises(ImageError, match=f"{reason}.*accepted are arrays, lists or DataFrames of shape") as caught:
        as_images(data)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (8, 8), (60, 60)])
def test_ink_is_scaled_into_the_box_and_centred(shape: tuple[int, int]) -> None:
    canvas = np.zeros((80, 80), np.uint8)
    canvas[3 : 3 + shape[0], 7 : 7 + shape[1]] = 255
    image = centre_by_mass(canvas)
    rows, columns = np.flatnonzero((image > 127).any(axis=1)), np.flatnonzero((image > 127).any(axis=0))
    assert max(len(rows), len(columns)) == 20
    assert (rows[0] + rows[-1], columns[0] + columns[-1]) == (27, 27)


def test_an_image_without_ink_stays_blank() -> None:
    blank = np.zeros((28, 28), np.uint8)
    assert not centre_by_mass(blank).any()
    assert not deskew(blank[None]).any()
    assert np.isfinite(hog(blank[None])).all()


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
