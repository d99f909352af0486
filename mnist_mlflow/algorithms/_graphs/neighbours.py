"""The search for nearest neighbours: roughly by small integers among all examples, then exactly among the best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.types import Features

# That are compared exactly, at least, and more for each neighbour: twice as many as hold the nearest of MNIST. Each
# takes memory, its features twice for every row.
FEWEST, CANDIDATES = 32, 4
ZERO = np.uint8(128)  # what an unsigned byte means 0 by
LARGEST, LARGEST_EXAMPLE = 127, 63  # integers, either way; some processors add two products up in 16 bits


def add_nearest(builder: GraphBuilder, rows: str, examples: Features, count: int) -> tuple[str, str]:
    """The distances (n, count) of rows (n, d) to their nearest examples (m, d), and the numbers of those.

    The exact search takes the square of each difference, so that it is not rounded as sums of products are.
    """
    if (candidates := FEWEST + CANDIDATES * count) < len(examples):
        near = _add_candidates(builder, rows, examples, candidates)
        vectors = builder.add("Gather", examples, near)
    else:
        near, vectors = "", builder.add("Unsqueeze", examples, [0])
    differences = builder.add("Sub", vectors, builder.add("Unsqueeze", rows, [1]))
    squares, places = builder.add_top(
        builder.add("ReduceSumSquare", differences, [2], keepdims=0), count, largest=False
    )
    numbers = builder.add("GatherElements", near, places, axis=1) if near else places
    return builder.add("Sqrt", squares), numbers


def _add_candidates(builder: GraphBuilder, rows: str, examples: Features, candidates: int) -> str:
    """The numbers (n, candidates) of examples that are near by products of integers.

    The nearest has the largest x.y - y.y / 2. Further columns hold the latter, for which each row has a constant.
    """
    scale, example_scale = (np.float32(np.abs(examples).max() / most) for most in (LARGEST, LARGEST_EXAMPLE))
    integers = np.rint(examples / example_scale).astype(np.int8)
    halves = np.square(examples, dtype=np.float64).sum(axis=1) / (2 * float(scale) * float(example_scale))
    columns, constants = _digits_of(halves)
    bytes_of_rows = builder.add("QuantizeLinear", rows, scale, ZERO)
    count = builder.add("Shape", rows, start=0, end=1)
    shape = builder.add("Concat", count, [len(constants)], axis=0)
    extended = builder.add("Concat", bytes_of_rows, builder.add("Expand", constants[None] + ZERO, shape), axis=1)
    products = builder.add("MatMulInteger", extended, np.concatenate([integers, -columns], axis=1).T, ZERO)
    return builder.add_top(products, candidates, largest=True)[1]


def _digits_of(numbers: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Columns (m, c) and constants (c,) whose products add up to numbers (m,), to the nearest."""
    left, columns = np.rint(numbers).astype(np.int64), []
    constants = [LARGEST] * int(np.ceil(left.max() / (LARGEST * LARGEST_EXAMPLE))) + [2, 1]
    for constant in constants:
        columns.append(np.minimum(left // constant, LARGEST_EXAMPLE))
        left = left - constant * columns[-1]
    return np.stack(columns, axis=1).astype(np.int8), np.array(constants, np.uint8)
