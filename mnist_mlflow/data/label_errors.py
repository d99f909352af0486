"""Labels of MNIST's test images that people do not agree with.

Source: Northcutt, Athalye and Mueller, Pervasive label errors in test sets destabilize machine learning benchmarks,
2021, and the votes of five readers for each image that they published.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Labels, Part

CORRECTED = {  # index of the image: the label that it has, and the digit that most readers saw
    **{947: (8, 9), 1621: (0, 6), 1901: (9, 4), 2462: (2, 0), 2597: (5, 3)},
    **{3558: (5, 0), 5937: (5, 3), 6651: (0, 6), 6783: (1, 6), 9729: (5, 6)},
}
UNREADABLE = (2130, 2654, 3520, 8527, 9679)  # no digit had a majority
IMAGES = 10_000


def set_right(test: Part) -> tuple[Labels, npt.NDArray[np.bool_]] | None:
    """The labels (n,) with the wrong ones set right, and which of the images (n,) people can read.

    None for images that are not MNIST's test images in their order.
    """
    labels = test.labels.copy()
    if len(labels) != IMAGES or any(labels[index] != given for index, (given, _) in CORRECTED.items()):
        return None
    for index, (_, seen) in CORRECTED.items():
        labels[index] = seen
    readable = np.ones(IMAGES, bool)
    readable[list(UNREADABLE)] = False
    return labels, readable
