"""Digits of scikit-learn as people photograph, scan and draw them: each is to become what it was."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.geometry import are_canonical, centre_by_mass
from mnist_mlflow.types import Picture
from tests.handmade import (
    PAPER,
    as_jpeg,
    aside_in_a_cell,
    coloured,
    drawn,
    empty_cell,
    in_a_cell,
    in_a_thick_frame,
    in_shadow,
    on_dark_ruled_paper,
    on_ruled_paper,
    on_squared_paper,
    photographed,
    tight,
    transparent,
    with_specks,
)

DIGITS = load_digits().images
SOME = DIGITS[7:600:37]  # of all classes


WAYS: dict[str, Callable[[Picture], Picture]] = {
    "ink on paper": lambda image: photographed(drawn(image)),
    "chalk on a board": lambda image: 255 - photographed(drawn(image)),
    "pencil": lambda image: photographed(drawn(image, ink=0.25)),
    "in the corner of a page": lambda image: photographed(
        np.pad(drawn(image), ((0, 500), (300, 0)), constant_values=1.0)
    ),
    "shadow": in_shadow,
    "JPEG": as_jpeg,
    "cell": in_a_cell,
    "ruled paper": on_ruled_paper,
    "dark ruled paper": on_dark_ruled_paper,
    "squared paper": on_squared_paper,
    "thick frame": in_a_thick_frame,
    "aside in a cell": aside_in_a_cell,
    "specks": with_specks,
    "yellow ink": coloured((255, 255, 0)),
    "red ink": coloured((255, 0, 0)),
    "blue ink on yellow paper": coloured((30, 60, 160), (250, 240, 90)),
    "black ink, transparent": transparent(0),
    "white ink, transparent": transparent(255),
    "no margin": tight,
    "half the size": lambda image: cv2.resize(image, (14, 14), interpolation=cv2.INTER_AREA),
    "noise": lambda image: np.clip(image + np.random.default_rng(2).normal(0, 25, image.shape), 0, 255).astype(
        np.uint8
    ),
}
DARK = {"ink on paper", "pencil", "in the corner of a page", "shadow", "JPEG", "cell", "ruled paper", "specks"}
DARK |= {"dark ruled paper", "squared paper", "aside in a cell"}
DARK |= {"yellow ink", "red ink", "blue ink on yellow paper", "black ink, transparent"}


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two images, blurred by a pixel: strokes may differ in width."""
    blurred = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.5).ravel() for image in (one, other)]
    return float(np.corrcoef(blurred)[0, 1])


@pytest.mark.parametrize("way", WAYS)
def test_a_digit_is_found_again(way: str) -> None:
    digits = canonical_digits([WAYS[way](image) for image in SOME])
    likenesses = [likeness(image, one) for image, one in zip(digits.images, SOME, strict=True)]
    assert min(likenesses) > 0.8
    assert np.mean(likenesses) > 0.92
    assert np.array_equal(digits.inverted, np.full(len(SOME), way in DARK))
    assert are_canonical(digits.images).all()


def test_images_that_are_canonical_stay_what_they_are() -> None:
    digits = canonical_digits(DIGITS)
    assert np.array_equal(digits.images, DIGITS)
    assert not digits.inverted.any()


def test_polarity_contrast_and_place_cost_no_pixel() -> None:
    inverted = canonical_digits(255 - DIGITS)
    expected = np.where(DIGITS.max(axis=(1, 2), keepdims=True) >= 230, DIGITS, inverted.images)
    assert np.array_equal(inverted.images, expected)
    assert inverted.inverted.all()
    clear = np.where(DIGITS > 32, DIGITS, 0)
    clear = clear[clear[:, 3:-3, 3:-3].sum(axis=(1, 2), dtype=int) == clear.sum(axis=(1, 2), dtype=int)]
    moved = canonical_digits(np.roll(clear, (3, -3), (1, 2))).images.reshape(len(clear), -1)
    assert np.array_equal(np.sort(moved), np.sort(clear.reshape(len(clear), -1)))
    pale = canonical_digits((DIGITS[:50] // 4) + 100)
    assert np.abs(pale.images.astype(int) - DIGITS[:50]).max() < 12


@pytest.mark.parametrize("shape", [(16, 16), (20, 16), (32, 32)])
@pytest.mark.parametrize("power", [2.5, 3])
def test_a_ring_that_fills_its_picture_is_no_frame(shape: tuple[int, int], power: float) -> None:
    rows, columns = (np.abs(2 * (np.indices(shape).T + 0.5) / shape - 1) ** power).T
    distance = (rows + columns) ** (1 / power)
    digit = canonical_digits([((distance <= 1) & (distance >= 0.72)) * np.uint8(255)]).images[0]
    assert digit[14, 14] == 0
    assert all(part.max() > 200 for part in (digit[:6], digit[-6:], digit[:, :9], digit[:, -9:]))


def test_a_thin_line_gets_the_width_of_a_pen() -> None:
    page = np.full((480, 480), 255, np.uint8)
    cv2.circle(page, (240, 240), 150, 0, 1)
    (image,) = canonical_digits([page]).images
    widths = np.flatnonzero(image[14] > 127)
    assert 2 <= np.sum(widths < 14) <= 4
    thick = np.full((480, 480), 255, np.uint8)
    cv2.circle(thick, (240, 240), 150, 0, 70)
    (image,) = canonical_digits([thick]).images
    assert 3 <= np.sum(np.flatnonzero(image[14] > 127) < 14) <= 5


EMPTY = {
    "black": np.zeros((28, 28), np.uint8),
    "white": np.full((28, 28), 255, np.uint8),
    "one pixel": np.full((1, 1), 9, np.uint8),
    "light from one side": np.tile(np.linspace(255, 153, 200).astype(np.uint8), (200, 1)),
    "the edge of a shadow": np.tile((225 - 90 / (1 + np.exp(-np.arange(-180, 120) / 12))).astype(np.uint8), (300, 1)),
    "paper": photographed(np.ones((300, 200))),
    "a transparent picture": np.zeros((50, 60, 4), np.uint8),
    "a page in colours": np.tile(np.array([200, 180, 90], np.uint8), (90, 70, 1)),
    "a cell": in_a_cell(np.zeros((28, 28), np.uint8)),
    "a cell with a slanted frame": photographed(
        cv2.warpAffine(
            np.pad(np.ones((180, 180)), 10, constant_values=0.2),
            cv2.getRotationMatrix2D((100, 100), 1.5, 1),
            (200, 200),
            borderMode=cv2.BORDER_REPLICATE,
        )
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_has_no_ink_is_blank(name: str) -> None:
    digits = canonical_digits([EMPTY[name]])
    assert not digits.images.any()
    assert (digits.has_ink.tolist(), digits.inverted.tolist()) == ([False], [False])


def test_what_remains_of_lines_is_no_digit() -> None:
    digits = canonical_digits([empty_cell(seed) for seed in range(200)])
    assert digits.images.any(axis=(1, 2)).mean() < 0.02
    assert digits.has_ink.mean() < 0.02


CROWDED = {
    "a page of digits": np.tile(drawn(SOME[0]), (6, 8)) * PAPER,
    "a page in bright ink": 255 - np.tile(drawn(SOME[0]), (6, 8)) * PAPER,
    "noise": np.random.default_rng(0).integers(0, 256, (28, 28)),
    "a board": np.indices((80, 80)).sum(axis=0) // 8 % 2 * 255,
}


@pytest.mark.parametrize("name", CROWDED)
def test_what_has_ink_but_no_single_digit_is_told_from_that(name: str) -> None:
    digits = canonical_digits([CROWDED[name].astype(np.uint8)])
    assert not digits.images.any()
    assert (digits.has_ink.tolist(), digits.inverted.tolist()) == ([True], [False])


def test_a_picture_is_read_alike_alone_and_among_others() -> None:
    pictures = (
        [way(image) for way, image in zip(WAYS.values(), SOME, strict=False)] + list(DIGITS[:5]) + [EMPTY["paper"]]
    )
    together = canonical_digits(pictures)
    for row, picture in enumerate(pictures):
        alone = canonical_digits([picture])
        assert np.array_equal(alone.images[0], together.images[row])
        assert alone.inverted[0] == together.inverted[row]


@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 60), st.integers(1, 60)) | st.just((28, 28)),
        elements=st.sampled_from([0, 30, 128, 255]),
    )
)
def test_whatever_comes_out_is_canonical(picture: Picture) -> None:
    image = canonical_digits([picture]).images
    assert are_canonical(image).all()
    assert np.array_equal(canonical_digits(image).images, image)


def test_pictures_of_extreme_shapes_are_read() -> None:
    shapes = [(1, 5_000), (5_000, 1), (2, 40_000), (3, 3, 3), (1, 1, 4)]
    pictures = [np.random.default_rng(4).integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    assert canonical_digits(pictures).images.shape == (5, 28, 28)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (8, 8), (60, 60)])
def test_ink_is_scaled_into_the_box_and_centred(shape: tuple[int, int]) -> None:
    canvas = np.zeros((80, 80), np.uint8)
    canvas[3 : 3 + shape[0], 7 : 7 + shape[1]] = 255
    image = centre_by_mass(canvas)
    rows, columns = np.flatnonzero((image > 127).any(axis=1)), np.flatnonzero((image > 127).any(axis=0))
    assert max(len(rows), len(columns)) == 20
    assert (rows[0] + rows[-1], columns[0] + columns[-1]) == (27, 27)


def test_an_image_without_ink_stays_blank() -> None:
    assert not centre_by_mass(np.zeros((28, 28), np.uint8)).any()
