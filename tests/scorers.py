"""Scorers of a few numbers, where a test needs no algorithm."""

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.model.scorers.graph import FEATURES, Graph


def linear(weights: npt.ArrayLike, offsets: npt.ArrayLike) -> Graph:
    """Weights (10, d) and offsets (10,)."""
    builder, matrix = GraphBuilder(), np.asarray(weights)
    return builder.finish(builder.add_affine(FEATURES, matrix.T, np.asarray(offsets)), matrix.shape[1])
