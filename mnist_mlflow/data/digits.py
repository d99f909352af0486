"""The 1,797 scanned digits of scikit-learn, in MNIST's geometry: for machines without MNIST."""

import functools

import numpy as np

from mnist_mlflow.model.geometry import centre_by_mass
from mnist_mlflow.types import Part

BRIGHTEST = 16  # each of 8 x 8 cells counts the dark ones of 4 x 4 pixels


@functools.cache
def load_digits() -> Part:
    """All of the bundled digits as one part, which nobody can change: a process reads them once.

    Source: Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI, 1998, by way of scikit-learn.
    """
    from sklearn.datasets import load_digits as load_bundled

    bundled = load_bundled()
    bright = np.rint(bundled.images * (255 / BRIGHTEST)).astype(np.uint8)
    images = np.stack([centre_by_mass(image) for image in bright])
    labels = bundled.target.astype(np.uint8)
    images.flags.writeable = labels.flags.writeable = False
    return Part(images, labels)
