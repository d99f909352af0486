"""Ensembles of decision trees as one node, which asks all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder, Value

AT_MOST, BELOW = 0, 1  # ONNX's numbers of the comparisons by which a node goes to the left


@dataclass(frozen=True)
class Tree:
    """A tree in arrays (m,), as scikit-learn and XGBoost have them.

    `left` and `right` are the numbers of a node's children, negative for a leaf. `feature` and `threshold` are what a
    node compares. `values` are what leaves give, and `target` is the output to which they add it.
    """

    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    feature: npt.NDArray[Any]
    threshold: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    target: int


def add_trees(builder: GraphBuilder, rows: Value, trees: Sequence[Tree], targets: int, comparison: int) -> str:
    """The sums (n, targets) of what the trees give for rows (n, d) of features."""
    from onnx import numpy_helper

    trees = [_with_a_root(tree) for tree in trees]
    sizes = np.cumsum([0] + [len(tree.left) for tree in trees])
    left, right, feature, threshold, values = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("left", "right", "feature", "threshold", "values")
    )
    is_leaf = left < 0
    first = np.repeat(sizes[:-1], np.diff(sizes))
    place = np.where(is_leaf, np.cumsum(is_leaf), np.cumsum(~is_leaf)) - 1  # among the leaves, or the other nodes
    lefts, rights = ((children + first)[~is_leaf] for children in (left, right))
    return builder.add(
        "TreeEnsemble",
        rows,
        domain="ai.onnx.ml",
        n_targets=targets,
        tree_roots=place[sizes[:-1]].tolist(),
        nodes_featureids=feature[~is_leaf].tolist(),
        nodes_splits=numpy_helper.from_array(threshold[~is_leaf]),
        nodes_modes=numpy_helper.from_array(np.full(len(feature), comparison, np.uint8)[~is_leaf]),
        nodes_truenodeids=place[lefts].tolist(),
        nodes_trueleafs=is_leaf[lefts].astype(int).tolist(),
        nodes_falsenodeids=place[rights].tolist(),
        nodes_falseleafs=is_leaf[rights].astype(int).tolist(),
        leaf_targetids=np.repeat([tree.target for tree in trees], np.diff(sizes))[is_leaf].tolist(),
        leaf_weights=numpy_helper.from_array(values[is_leaf]),
    )


def _with_a_root(tree: Tree) -> Tree:
    """The tree; a lone leaf gets a root above it, both of whose ways lead there, as ONNX wants one."""
    if len(tree.left) > 1:
        return tree
    leaf, nothing = np.array([1, -1]), np.zeros(2, np.float32)
    return Tree(leaf, leaf, np.zeros(2, int), nothing, np.append(nothing[:1], tree.values), tree.target)
