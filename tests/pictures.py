"""Data sets of somebody's own, made of the bundled digits."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mnist_mlflow.data.digits import load_digits
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.types import Images, Part

EACH = 15  # pictures of a digit: as few as can be split


def few_digits(each: int = EACH) -> Part:
    """So many images of each digit, in order: a little thicker than the bundled ones, which they are not."""
    digits = load_digits()
    rows = np.concatenate([np.flatnonzero(digits.labels == digit)[:each] for digit in range(10)])
    thicker = np.stack([cv2.dilate(image, np.ones((2, 2))) for image in digits.images[rows]])
    return Part(canonical_digits(thicker).images, digits.labels[rows])


def write_png(path: Path, image: Images) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def write_folder(folder: Path, each: int = EACH) -> Path:
    """Write pictures of digits into folders by class; returns the folder."""
    part = few_digits(each)
    for number, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
        write_png(folder / str(label) / f"{number:03}.png", image)
    return folder
