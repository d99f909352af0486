"""Digits as people photograph, scan and draw them, made from images of digits; and empty cells."""

from collections.abc import Callable

import cv2
import numpy as np

from mnist_mlflow.types import Picture

PAPER = 215


def drawn(image: Picture, ink: float = 0.7, side: int = 200, margin: int = 40) -> np.ndarray:
    """Ink on paper, from 0 to 1 of what the paper reflects."""
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) / 255
    return np.pad(1 - ink * (large > 0.5), margin, constant_values=1.0)


def photographed(reflected: np.ndarray) -> Picture:
    grain = np.random.default_rng(0).normal(0, 2, reflected.shape)
    return np.asarray(np.clip(PAPER * reflected + grain, 0, 255), np.uint8)


def in_shadow(image: Picture) -> Picture:
    reflected = drawn(image)
    light = np.linspace(1, 0.4, reflected.shape[1])[None] * np.linspace(1, 0.8, reflected.shape[0])[:, None]
    return photographed(reflected * light)


def in_a_cell(image: Picture) -> Picture:
    reflected = drawn(image)
    reflected[:8] = reflected[:, 4:9] = reflected[-3:] = 0.2
    return photographed(reflected)


def on_ruled_paper(image: Picture) -> Picture:
    reflected = drawn(image)
    for row in range(15, len(reflected), 70):
        reflected[row : row + 2] = np.minimum(reflected[row : row + 2], 0.6)
    return photographed(reflected)


def on_dark_ruled_paper(image: Picture) -> Picture:
    reflected = drawn(image)
    for row in range(15, len(reflected), 70):
        reflected[row : row + 4] = np.minimum(reflected[row : row + 4], 0.3)
    return photographed(reflected)


def on_squared_paper(image: Picture) -> Picture:
    reflected = drawn(image)
    for start in range(15, len(reflected), 60):
        reflected[start : start + 2] = np.minimum(reflected[start : start + 2], 0.6)
        reflected[:, start : start + 2] = np.minimum(reflected[:, start : start + 2], 0.6)
    return photographed(reflected)


def in_a_thick_frame(image: Picture) -> Picture:
    framed = image.copy()
    framed[:3] = framed[-3:] = framed[:, :3] = framed[:, -3:] = 255
    return framed


def aside_in_a_cell(image: Picture) -> Picture:
    return photographed(np.minimum(np.pad(drawn(image), ((0, 0), (0, 50)), constant_values=1.0), frame((280, 330))))


def frame(shape: tuple[int, int]) -> np.ndarray:
    reflected = np.ones(shape)
    reflected[:5] = reflected[-5:] = reflected[:, :5] = reflected[:, -5:] = 0.2
    return reflected


def empty_cell(seed: int) -> Picture:
    """Lines on some sides, each of another width, slanted, in uneven light."""
    random = np.random.default_rng(seed)
    side = int(random.integers(60, 200))
    reflected = np.ones((side + 80, side + 80))
    for turns in np.flatnonzero(random.random(4) < 0.85).tolist():
        start = 40 + int(random.integers(-4, side // 8))
        np.rot90(reflected, turns)[start : start + int(random.integers(2, 3 + side // 11))] = random.uniform(0.2, 0.7)
    turn = cv2.getRotationMatrix2D((side / 2 + 40, side / 2 + 40), random.uniform(-4, 4), 1)
    turned = cv2.warpAffine(reflected, turn, reflected.shape, borderMode=cv2.BORDER_REPLICATE)[40:-40, 40:-40]
    return photographed(turned * np.linspace(1, random.uniform(0.7, 1), side)[None])


def with_specks(image: Picture) -> Picture:
    reflected = drawn(image)
    for row, column in np.random.default_rng(1).integers(0, len(reflected) - 3, (20, 2)):
        reflected[row : row + 3, column : column + 3] = 0.4
    return photographed(reflected)


def coloured(ink: tuple[int, int, int], paper: tuple[int, int, int] = (255, 255, 255)) -> Callable[[Picture], Picture]:
    def paint(image: Picture) -> Picture:
        share = (1 - drawn(image, ink=1))[..., None]
        return np.asarray(np.rint(share * np.array(ink) + (1 - share) * np.array(paper)), np.uint8)

    return paint


def transparent(ink: int) -> Callable[[Picture], Picture]:
    def paint(image: Picture) -> Picture:
        alpha = np.rint(255 * (1 - drawn(image, ink=1))).astype(np.uint8)
        return np.dstack([np.full_like(alpha, ink)] * 3 + [alpha])

    return paint


def tight(image: Picture) -> Picture:
    left, top, width, height = cv2.boundingRect((image > 60).astype(np.uint8))
    return image[top : top + height, left : left + width]


def as_jpeg(image: Picture) -> Picture:
    encoded = cv2.imencode(".jpg", in_shadow(image), [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
