"""Building ONNX graphs from features to scores, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.graph import FEATURES, SCORES, Graph
from mnist_mlflow.types import CLASSES

OPSETS = {"": 22, "ai.onnx.ml": 5}  # the oldest with all that is used here, so that most runtimes know it
IR_VERSION = 10
SMALLEST_SHARE = 1e-3  # of votes
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

    def add_cast(self, value: Value, dtype: npt.DTypeLike) -> str:
        """The same numbers in another dtype."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def add_affine(self, rows: Value, weights: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> str:
        """Rows (n, d) times weights (d, k), plus offsets (k,)."""
        return self.add("Gemm", rows, weights.astype(np.float32), offsets.astype(np.float32))

    def add_log_votes(self, shares: Value) -> str:
        """Logarithms of shares of votes; that nobody voted for a class does not make it impossible."""
        return self.add("Log", self.add("Max", shares, np.float32(SMALLEST_SHARE)))

    def add_graph(self, graph: Graph, features: str) -> str:
        """The scores (n, 10) that a finished graph, maybe of older operators, gives features (n, d)."""
        import onnx
        from onnx import compose, helper, version_converter

        model = onnx.load_from_string(graph.content)
        if {opset.domain: opset.version for opset in model.opset_import}[""] != OPSETS[""]:
            model = version_converter.convert_version(model, OPSETS[""])
        prefix = NODE.format("Graph", f"{len(self._nodes)}/")
        part = compose.add_prefix(model, prefix).graph
        self._nodes.append(helper.make_node("Identity", [features], [prefix + FEATURES]))
        self._nodes.extend(part.node)
        self._constants.extend(part.initializer)
        return prefix + SCORES

    def finish(self, scores: str, width: int, learned: Mapping[str, bytes] | None = None) -> Graph:
        """The graph whose output `scores` (n, 10) is; its input has so many features."""
        from onnx import TensorProto, helper

        shapes = ((FEATURES, width), (SCORES, CLASSES))
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in shapes]
        return Graph(self.as_model(ends[:1], {scores: ends[1]}).SerializeToString(), learned or {})

    def as_model(self, inputs: Sequence[Any], outputs: Mapping[str, Any]) -> Any:
        """The model with these inputs, and with outputs that come from the outputs of nodes by their names."""
        from onnx import helper

        endings = [helper.make_node("Identity", [name], [value.name]) for name, value in outputs.items()]
        graph = helper.make_graph(self._nodes + endings, "digits", inputs, list(outputs.values()), self._constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def _constant(self, value: npt.ArrayLike) -> str:
        from onnx import numpy_helper

        name = NODE.format("Constant", len(self._constants))
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name
