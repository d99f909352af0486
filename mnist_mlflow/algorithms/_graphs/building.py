"""Building ONNX graphs from features to scores, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.graph import FEATURES, SCORES, Graph
from mnist_mlflow.types import CLASSES

OPSETS = {"": 22, "ai.onnx.ml": 5}  # the oldest with all that is used here, so that most runtimes know it
IR_VERSION = 10
NODE = "{}_{}"  # names an operator's output

Value = str | npt.ArrayLike  # the name of an output, or a constant


class GraphBuilder:
    """Writes a graph; begin with `FEATURES`, end with `finish`.

    `add` takes names of outputs, and arrays, which become constants. Operators are those of ONNX's documentation.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: Value, domain: str = "", **attributes: Any) -> str:
        """Add a node with an output; returns the name of that."""
        from onnx import helper

        output = NODE.format(operator, len(self._nodes))
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(helper.make_node(operator, names, [output], domain=domain, **attributes))
        return output

    def add_top(self, values: Value, count: int, largest: bool) -> tuple[str, str]:
        """The `count` largest, or smallest, of each row (n, d) in their order, and their places there."""
        from onnx import helper

        outputs = [NODE.format(part, len(self._nodes)) for part in ("Best", "Places")]
        names = [values if isinstance(values, str) else self._constant(values), self._constant([count])]
        self._nodes.append(helper.make_node("TopK", names, outputs, largest=int(largest)))
        return outputs[0], outputs[1]

    def add_affine(self, rows: Value, weights: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> str:
        """Rows (n, d) times weights (d, k), plus offsets (k,)."""
        return self.add("Gemm", rows, weights.astype(np.float32), offsets.astype(np.float32))

    def add_log_votes(self, shares: Value, smallest: float) -> str:
        """Logarithms of shares of votes; that nobody voted for a class does not make it impossible."""
        return self.add("Log", self.add("Max", shares, np.float32(smallest)))

    def finish(self, scores: str, width: int, learned: Mapping[str, bytes] | None = None) -> Graph:
        """The graph whose output `scores` (n, 10) is; its input has so many features."""
        from onnx import TensorProto, helper

        shapes = ((FEATURES, width), (SCORES, CLASSES))
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in shapes]
        self._nodes.append(helper.make_node("Identity", [scores], [SCORES]))
        graph = helper.make_graph(self._nodes, "scorer", ends[:1], ends[1:], self._constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return Graph(model.SerializeToString(), learned or {})

    def _constant(self, value: npt.ArrayLike) -> str:
        from onnx import numpy_helper

        name = NODE.format("Constant", len(self._constants))
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name
