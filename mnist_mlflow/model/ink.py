"""Ink and paper: a picture in any colours and any light becomes the strength of its ink."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Picture

SMALLEST, LARGEST = 112, 448  # pixels along the longer side of a picture that is worked on
GLANCE = 64  # pixels a side to look at the paper: its polarity and its light
NEAR, WIDE = 33, 63  # of GLANCE: medians over so much are paper, between thin strokes and between thick ones
STRIKING = 0.15  # of the variance is ink, or most is light
FRAME = 12  # of GLANCE: frame lines lie so near to the border
PAPER = 32  # the strength of paper: grain goes below it and above
STROKE = 23  # of GLANCE: no stroke is wider
OPAQUE, SOLID, UNLIKE = 128, 0.5, 64  # alpha that counts as paint; its share and its spread where it is a page

Grey = npt.NDArray[np.uint8]  # (h, w)


def ink_of(picture: Picture) -> tuple[Grey, bool]:
    """The strength of ink in a working size, PAPER to 255; and True where ink was dark.

    Paper is what most of the picture is, apart from lines at its border. Light is divided out: ink is what reflects
    less than the paper around it.
    """
    import cv2

    grey = in_grey(_in_working_size(picture))
    glance = cv2.resize(grey, (GLANCE, GLANCE), interpolation=cv2.INTER_AREA)
    dark_ink = not _is_ink_bright(glance)
    if not dark_ink:
        grey, glance = 255 - grey, 255 - glance
    paper = _light(glance, grey.shape)
    return cv2.subtract(255, cv2.divide(grey, paper, scale=255 - PAPER)), dark_ink


def _in_working_size(picture: Picture) -> Picture:
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, LARGEST / max(height, width))
    if max(height, width) < SMALLEST:
        scale = -(-SMALLEST // max(height, width))
    if scale == 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def in_grey(picture: Picture) -> Grey:
    """The one channel of a picture that tells its colours apart best."""
    if picture.ndim == 2:
        return picture
    if picture.shape[2] == 4:
        picture = _without_alpha(picture)
    if np.array_equal(picture[..., 0], picture[..., 1]) and np.array_equal(picture[..., 0], picture[..., 2]):
        return np.ascontiguousarray(picture[..., 0])
    return _along_the_widest_axis(picture)


def _without_alpha(picture: Picture) -> Picture:
    """The picture before white or black, whichever its paint differs from; a page hides what is behind it."""
    alpha = picture[..., 3]
    paint = picture[..., :3][alpha >= OPAQUE]
    if len(paint) == alpha.size or not len(paint):
        return np.ascontiguousarray(picture[..., :3]) if len(paint) else np.full_like(picture[..., :3], 255)
    tones = paint.mean(axis=1)
    low, middle, high = np.percentile(tones, (2, 50, 98))
    is_page = len(paint) > SOLID * alpha.size and high - low > UNLIKE
    behind = middle if is_page else 255 if tones.mean() < 128 else 0
    share = alpha[..., None] / np.float32(255)
    return np.rint(picture[..., :3] * share + behind * (1 - share)).astype(np.uint8)


def _along_the_widest_axis(picture: Picture) -> Grey:
    """The mix of channels, or of their complements, along which the colours differ most: their principal component."""
    import cv2

    colours = picture.reshape(-1, 3)[:: max(1, picture.size // 30_000)].astype(np.float32)
    _, axes = np.linalg.eigh(np.cov(colours, rowvar=False))
    axis = axes[:, -1] * (1 if axes[:, -1].sum() >= 0 else -1) / np.abs(axes[:, -1]).sum()
    offset = -255 * axis[axis < 0].sum()
    mixed = cv2.transform(picture, np.append(axis, offset)[None].astype(np.float32))
    return np.asarray(mixed, np.uint8)


def _is_ink_bright(glance: Grey) -> bool:
    """True where what differs from the paper around it is brighter, by the third moment.

    The paper is a median over a part of the picture. That is so wide that thick strokes do not fill it, unless most
    differences are those of light.
    """
    import cv2

    inner = cv2.resize(_without_frame(glance), (GLANCE, GLANCE), interpolation=cv2.INTER_AREA)
    difference = cv2.subtract(inner, cv2.medianBlur(inner, NEAR), dtype=cv2.CV_32F)
    if difference.var() > STRIKING * inner.var():
        difference = cv2.subtract(inner, cv2.medianBlur(inner, WIDE), dtype=cv2.CV_32F)
    return bool((difference**3).sum() > 0)


def _without_frame(glance: Grey) -> Grey:
    """The part within rows and columns near the border that are of one kind, unlike those within."""
    import cv2

    _, bright = cv2.threshold(glance, 0, 1, cv2.THRESH_OTSU)
    ends = []
    for share in (bright.mean(axis=1), bright.mean(axis=0)):
        unlike = share >= 0.9 if np.median(share) < 0.5 else share <= 0.1
        first, last = np.flatnonzero(unlike[:FRAME]), np.flatnonzero(unlike[: -FRAME - 1 : -1])
        ends.append(slice(first[-1] + 1 if len(first) else 0, GLANCE - (last[-1] + 1 if len(last) else 0)))
    return glance[ends[0], ends[1]]


def _light(glance: Grey, shape: tuple[int, ...]) -> Grey:
    """The brightness (h, w) of the paper, under the ink too."""
    import cv2

    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STROKE, STROKE))
    paper = cv2.blur(cv2.morphologyEx(cv2.medianBlur(glance, 3), cv2.MORPH_CLOSE, disk), (9, 9))
    return np.asarray(cv2.resize(cv2.max(paper, 1), shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
