"""The canonical digit: a picture of one digit becomes 28 x 28 as MNIST has it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.budget import spend
from mnist_mlflow.model.geometry import FAINTEST, GROUND, OPEN, are_canonical, moved, stretched
from mnist_mlflow.model.ink import GLANCE, NEAR, Grey, grey_of, has_bright_ink, ink_of
from mnist_mlflow.model.lines import inside, without_lines
from mnist_mlflow.model.strokes import FAINT, digit_of, has_marks
from mnist_mlflow.types import BATCH, SIDE, Images, Picture

TRACE = 0.005  # of the picture within its border is ink; specks are less


@dataclass(frozen=True)
class CanonicalDigits:
    """Images (n, 28, 28) uint8, ink bright on a dark ground; blank where a picture has no single digit.

    `inverted` (n,) is true for pictures that had dark ink on a bright ground. `has_ink` (n,) is false for pictures that
    are blank themselves.
    """

    images: Images
    inverted: npt.NDArray[np.bool_]
    has_ink: npt.NDArray[np.bool_]


def canonical_digits(pictures: Images | Sequence[Picture]) -> CanonicalDigits:
    """The canonical digit of each picture; one that is canonical already stays what it is.

    One that is canonical but for its polarity, contrast or place keeps its strokes as they are. The answer for a
    picture does not depend on the others.
    """
    count = len(pictures)
    digits = CanonicalDigits(np.zeros((count, SIDE, SIDE), np.uint8), np.zeros(count, bool), np.ones(count, bool))
    for start in range(0, len(pictures), BATCH):
        rows = slice(start, start + BATCH)
        _canonicalise(pictures[rows], digits.images[rows], digits.inverted[rows])
    for row in np.flatnonzero(~digits.images.any(axis=(1, 2))).tolist():
        digits.inverted[row], digits.has_ink[row] = False, _has_ink(pictures[row])
    return digits


def _canonicalise(pictures: Images | Sequence[Picture], images: Images, inverted: npt.NDArray[np.bool_]) -> None:
    """Fill `images` and `inverted`, the quick ways first: many at a time."""
    small = np.array([picture.shape == (SIDE, SIDE) for picture in pictures], bool)
    rest = np.flatnonzero(small)
    for place, turned in itertools.product((np.asarray, moved), (False, True)):
        if not len(rest):
            break
        batch = np.array([pictures[row] for row in rest.tolist()], np.uint8)
        candidates = place(stretched(255 - batch if turned else batch))
        fits = are_canonical(candidates, OPEN if turned else GROUND)  # a bright frame is no dark ink
        settled, rest = rest[fits], rest[~fits]
        images[settled], inverted[settled] = candidates[fits], turned
    for row in (*np.flatnonzero(~small).tolist(), *rest.tolist()):
        spend()
        images[row], inverted[row] = _digit_in(pictures[row])


def _digit_in(picture: Picture) -> tuple[npt.NDArray[np.uint8], bool]:
    """The digit of one picture, and True where its ink was dark. The other polarity helps where one has no ink."""
    grey = grey_of(picture)
    if _differences(grey).max() <= FAINTEST:  # the light alone differs
        return np.zeros((SIDE, SIDE), np.uint8), False
    is_ink_bright = has_bright_ink(grey)
    strength = ink_of(grey, is_ink_bright=is_ink_bright)
    digit = digit_of(strength)
    if not digit.any() and not has_marks(strength):
        other = digit_of(ink_of(grey, is_ink_bright=not is_ink_bright))
        if other.any():
            return other, is_ink_bright
    return digit, not is_ink_bright


def _differences(grey: Grey) -> Grey:
    """By how much each place of a picture, seen from afar, differs from what is around it."""
    import cv2

    small = cv2.resize(grey, (GLANCE, GLANCE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.absdiff(small, cv2.medianBlur(small, NEAR)), np.uint8)


def _has_ink(picture: Picture) -> bool:
    """True where something differs from the paper around it, away from the border, and is no ruled line."""
    if picture.min() == picture.max():
        return False  # at once, since there may be many
    marks = _differences(grey_of(picture)) > FAINT
    return bool(inside(without_lines(marks.astype(np.uint8))).mean() > TRACE)
