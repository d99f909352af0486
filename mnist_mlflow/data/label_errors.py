"""Labels of MNIST's test images that people do not agree with.

Source: Northcutt, Athalye and Mueller, Pervasive label errors in test sets destabilize machine learning benchmarks,
2021, and the votes of five readers for each image that they published.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.types import Labels, Part

MNIST = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"  # the data set's digest
CORRECTED = {  # index of the image: its label, and the digit that most readers saw
    **{947: (8, 9), 1621: (0, 6), 1901: (9, 4), 2462: (2, 0), 2597: (5, 3)},
    **{3558: (5, 0), 5937: (5, 3), 6651: (0, 6), 6783: (1, 6), 9729: (5, 6)},
}
UNREADABLE = (2130, 2654, 3520, 8527, 9679)  # no digit had a majority


def set_right(test: Part, digest: str) -> tuple[Labels, npt.NDArray[np.bool_]] | None:
    """The corrected labels (n,) and a mask (n,) of the images that people can read.

    None for a data set, known by its digest, without known wrong labels.
    """
    if digest != MNIST:
        return None
    labels, readable = test.labels.copy(), np.ones(len(test), bool)
    for index, (_, seen) in CORRECTED.items():
        labels[index] = seen
    readable[list(UNREADABLE)] = False
    return labels, readable
