"""Training images, varied as hands vary them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import SIDE


def distort(images: npt.NDArray[Any], strength: float, random: np.random.Generator) -> npt.NDArray[Any]:
    """Images (n, 28, 28) of any dtype, each turned, stretched, sheared and shifted at random, as hands differ.

    Strength 1: up to 8 degrees, a tenth in either direction, a shear of 0.1 and 1.5 pixels, each drawn evenly.
    Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, 2003.
    """
    import cv2

    draws = random.uniform(-strength, strength, (6, len(images)))
    angle, shear, (across, down) = np.deg2rad(8) * draws[0], 0.1 * draws[1], 1 + 0.1 * draws[2:4]
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.empty((len(images), 2, 2))
    linear[:, 0, 0], linear[:, 0, 1] = across * cosine, across * (shear * cosine - sine)
    linear[:, 1, 0], linear[:, 1, 1] = down * sine, down * (shear * sine + cosine)
    middle = np.full(2, (SIDE - 1) / 2)
    shift = middle - linear @ middle + 1.5 * draws[4:].T
    matrices = np.concatenate([linear, shift[..., None]], axis=2)
    warped = [cv2.warpAffine(image, matrix, (SIDE, SIDE)) for image, matrix in zip(images, matrices, strict=True)]
    return np.stack(warped)
