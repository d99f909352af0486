"""Corruptions: twenty ways in which pens, papers and cameras change a digit, each at three strengths.

A person still reads nearly all images at the strengths 1 and 2, and most at 3.
Sources: Hendrycks and Dietterich, Benchmarking neural network robustness to common corruptions and perturbations, 2019;
Mu and Gilmer, MNIST-C: a robustness benchmark for computer vision, 2019.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from mnist_mlflow.types import Images

STRENGTHS = (1, 2, 3)


@dataclass(frozen=True)
class Corruption:
    """A change in words, and the amounts of it that are its strengths, in a unit of its own."""

    words: str
    amounts: tuple[float, float, float]


CORRUPTIONS = {
    "shift": Corruption("moved by 2, 4 or 6 pixels", (2, 4, 6)),
    "scale": Corruption("larger or smaller by up to a third", (0.12, 0.22, 0.32)),
    "turn": Corruption("turned by 12, 22 or 32 degrees", (12, 22, 32)),
    "slant": Corruption("leaning to either side", (0.25, 0.45, 0.65)),
    "thin": Corruption("thin strokes", (0.35, 0.55, 0.75)),
    "thick": Corruption("thick strokes", (0.35, 0.65, 0.95)),
    "blur": Corruption("out of focus", (0.9, 1.4, 1.9)),
    "motion": Corruption("blurred by motion", (3, 4.5, 6)),
    "noise": Corruption("noise, as of a camera in the dark", (25, 50, 80)),
    "specks": Corruption("dots, as of dust", (8, 20, 40)),
    "contrast": Corruption("faint ink on grey", (0.5, 0.3, 0.15)),
    "brightness": Corruption("a ground that is nearly as bright as the ink", (80, 140, 190)),
    "light": Corruption("light from one side", (100, 160, 210)),
    "jpeg": Corruption("a JPEG file of low quality", (25, 12, 6)),
    "frame": Corruption("in a frame, as of a form", (1, 2, 3)),
    "ruled_line": Corruption("on ruled paper", (80, 140, 200)),
    "strike_through": Corruption("struck through", (0.7, 1.2, 1.8)),
    "inverted": Corruption("dark ink on a bright ground", (1, 0.6, 0.3)),
    "elastic": Corruption("distorted like rubber", (0.7, 1.1, 1.5)),
    "low_resolution": Corruption("of 14, 11 or 9 pixels a side", (14, 11, 9)),
}


def corrupt(images: Images, name: str, strength: int, seed: int = 0) -> Images:
    """Images (n, 28, 28) changed in one of the ways, at a strength of 1 to 3.

    The chance in it depends on the seed, the name and the place among the images. So a stronger change goes the same
    way. Raises KeyError for a name that is none.
    """
    from mnist_mlflow.evaluation import changes  # with OpenCV

    amount, change = CORRUPTIONS[name].amounts[strength - 1], getattr(changes, name)
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    changed = np.stack([change(image, amount, random) for image in images])
    return np.asarray(np.rint(changed).clip(0, 255), np.uint8)
