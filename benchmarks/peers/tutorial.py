"""A reader of one's own digits, as tutorials write it: grey, bright ink, 28 x 28, then a convolutional network.

It has many sources. The steps are those of most tutorials that end with one's own handwriting.
"""

from collections.abc import Sequence

import cv2
import keras
import numpy as np
import numpy.typing as npt

from benchmarks.peers import cnn

fit = cnn.fit


def predict(model: keras.Model, pictures: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.intp]:
    """Its labels (n,) of pictures of any size, grey (h, w), RGB (h, w, 3) or with alpha (h, w, 4)."""
    return cnn.predict(model, np.stack([prepare(picture) for picture in pictures]))


def prepare(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A picture as MNIST might have it."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY)
    bright_ink = 255 - grey if grey.mean() > 127 else grey
    return np.asarray(cv2.resize(bright_ink, (28, 28), interpolation=cv2.INTER_AREA), np.uint8)
