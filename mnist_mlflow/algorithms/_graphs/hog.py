"""Histograms of oriented gradients as a graph: to a few millionths what OpenCV computes for `model/features.py`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.formulas import Numbers
from mnist_mlflow.types import SIDE

CELL, CELLS, BLOCKS = 7, 2, 3  # pixels of a cell, cells of a block, and blocks of the image, each along a side
BLOCK = CELLS * CELL
SIGMA = BLOCK / 4  # pixels, of the weights of a block's gradients
DIRECTIONS = 12
LONGEST, SMALLEST = 0.2, 1e-3  # of a block's numbers, once it has length 1; and what is added to its length after that
# OpenCV's own arc tangent of 0 to 1: the factors of odd powers, for a turn of 12 directions.
ARC_TANGENT = [
    factor * DIRECTIONS / (2 * np.pi)
    for factor in (0.9997878412794807, -0.3258083974640975, 0.1555786518463281, -0.04432655554792128)
]
AROUND = np.arange(-1, DIRECTIONS + 1)  # with the last before the first, and the first after the last
WRAPPED = np.eye(DIRECTIONS)[AROUND % DIRECTIONS]


def add_hog(images: Numbers) -> Numbers:
    """The histograms (n, 432) of deskewed images (n, 28, 28), both float32."""
    padded = images.into("Pad", [0, 1, 1, 0, 1, 1], mode="reflect")
    right, left, below, above = (
        padded.into("Slice", [y, x], [y + SIDE, x + SIDE], [1, 2]) for y, x in ((1, 2), (1, 0), (2, 1), (0, 1))
    )
    across, down = right - left, below - above
    return _normalised(_pooled(_directions(across, down), (across * across + down * down).into("Sqrt")))


def _directions(across: Numbers, down: Numbers) -> Numbers:
    """The directions of gradients, 0 to 12 for a whole turn."""
    width, height = across.into("Abs"), down.into("Abs")
    ratio = width.into("Min", height) / width.into("Max", height).into("Max", 1.0)
    square, (first, third, fifth, seventh) = ratio * ratio, ARC_TANGENT
    turn = (((square * seventh + fifth) * square + third) * square + first) * ratio
    turn = turn.unless(width.into("Less", height), DIRECTIONS / 4 - turn)
    turn = turn.unless(across.into("Less", 0.0), DIRECTIONS / 2 - turn)
    return turn.unless(down.into("Less", 0.0), DIRECTIONS - turn)


def _pooled(directions: Numbers, lengths: Numbers) -> Numbers:
    """The sums of gradients (n, 9, 48) in the cells of blocks, column by column; a gradient counts for its neighbours.

    The middles of directions, and of cells, lie half a step after their beginnings.
    """
    distances = (directions.into("Unsqueeze", [1]) - (AROUND + 0.5).reshape(1, -1, 1, 1)).into("Abs")
    shares = (1.0 - distances).into("Relu") * lengths.into("Unsqueeze", [1])
    weights = _cell_weights()
    pooled = (shares @ weights).into("Transpose", perm=[0, 1, 3, 2]) @ weights
    rows = pooled.into("Reshape", [0, len(AROUND), (BLOCKS * CELLS) ** 2]).into("Transpose", perm=[0, 2, 1]) @ WRAPPED
    cells = rows.into("Reshape", [0, BLOCKS, CELLS, BLOCKS, CELLS, DIRECTIONS])
    return cells.into("Transpose", perm=[0, 1, 3, 2, 4, 5]).into("Reshape", [0, BLOCKS**2, CELLS**2 * DIRECTIONS])


def _cell_weights() -> npt.NDArray[np.float64]:
    """The weights (28, 6) of pixels along a side for the cells of its blocks."""
    pixels = np.arange(BLOCK)
    distances = (pixels[:, None] + 0.5) / CELL - (np.arange(CELLS) + 0.5)
    of_block = np.maximum(1 - np.abs(distances), 0) * np.exp(-((pixels[:, None] - BLOCK / 2) ** 2) / (2 * SIGMA**2))
    weights = np.zeros((SIDE, BLOCKS, CELLS))
    for block in range(BLOCKS):
        weights[block * CELL :][:BLOCK, block] = of_block
    return weights.reshape(SIDE, -1)


def _normalised(blocks: Numbers) -> Numbers:
    """The features (n, 432) of the sums (n, 9, 48): blocks of length 1, clipped, of length 1 again, then the root."""
    clipped = (blocks / (_length(blocks) + 0.1 * CELLS**2 * DIRECTIONS)).into("Min", LONGEST)
    return (clipped / (_length(clipped) + SMALLEST)).into("Sqrt").into("Flatten")


def _length(blocks: Numbers) -> Numbers:
    return blocks.into("ReduceL2", [2], keepdims=1)
