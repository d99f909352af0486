"""The canonical digit: a picture of one digit becomes 28 x 28 as MNIST has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.geometry import GROUND, OPEN, are_canonical, moved, stretched
from mnist_mlflow.model.ink import grey_of, has_bright_ink, ink_of
from mnist_mlflow.model.strokes import digit_of
from mnist_mlflow.types import BATCH, SIDE, Images, Picture


@dataclass(frozen=True)
class CanonicalDigits:
    """Images (n, 28, 28) uint8, ink bright on a dark ground; blank where a picture has no ink.

    `inverted` (n,) is true for pictures that had dark ink on a bright ground.
    """

    images: Images
    inverted: npt.NDArray[np.bool_]


def canonical_digits(pictures: Images | Sequence[Picture]) -> CanonicalDigits:
    """The canonical digit of each picture; one that is canonical already stays what it is.

    One that is canonical but for its polarity, contrast or place keeps its strokes as they are. The answer for a
    picture does not depend on the others.
    """
    digits = CanonicalDigits(np.zeros((len(pictures), SIDE, SIDE), np.uint8), np.zeros(len(pictures), bool))
    for start in range(0, len(pictures), BATCH):
        rows = slice(start, start + BATCH)
        _canonicalise(pictures[rows], digits.images[rows], digits.inverted[rows])
    return digits


def _canonicalise(pictures: Images | Sequence[Picture], images: Images, inverted: npt.NDArray[np.bool_]) -> None:
    """Fill `images` and `inverted`, the quick ways first: many at a time."""
    rest = np.flatnonzero([picture.shape == (SIDE, SIDE) for picture in pictures])
    done = np.zeros(len(pictures), bool)
    for place in (np.asarray, moved):
        for turned in (False, True):
            if len(rest):
                batch = np.array([pictures[row] for row in rest.tolist()], np.uint8)
                candidates = place(stretched(255 - batch if turned else batch))
                fits = are_canonical(candidates, OPEN if turned else GROUND)  # a bright frame is no dark ink
                images[rest[fits]], inverted[rest[fits]], done[rest[fits]] = candidates[fits], turned, True
                rest = rest[~fits]
    for row in np.flatnonzero(~done).tolist():
        images[row], inverted[row] = _digit_in(pictures[row])


def _digit_in(picture: Picture) -> tuple[npt.NDArray[np.uint8], bool]:
    """The digit of one picture, and True where its ink was dark. The other polarity helps where one has no digit."""
    grey = grey_of(picture)
    is_ink_bright = has_bright_ink(grey)
    digit = digit_of(ink_of(grey, is_ink_bright=is_ink_bright))
    if not digit.any():
        other = digit_of(ink_of(grey, is_ink_bright=not is_ink_bright))
        if other.any():
            return other, is_ink_bright
    return digit, not is_ink_bright
