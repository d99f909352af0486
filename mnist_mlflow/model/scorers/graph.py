"""Scores by an ONNX graph, which is what all algorithms leave of their learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Features, Scores

FEATURES, SCORES = "features", "scores"  # the names of the input and of the output
FILE = "scorer.onnx"
# Where constants would be read from that a graph keeps in other files: ours keep none, and somebody else's get none.
FILES_BESIDE = ("session.model_external_initializers_file_folder_path", "/nowhere")


@dataclass(frozen=True)
class Graph(Scorer):
    """The content of an ONNX file, from features (n, d) float32 to scores (n, 10) float32."""

    requirements = ("onnxruntime",)

    content: bytes = field(repr=False)
    learned: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread asks about few rows; who has many shares them out. The numbers are the same on any number of cores.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails raises an error
        options.add_session_config_entry(*FILES_BESIDE)
        return onnxruntime.InferenceSession(self.content, options, providers=["CPUExecutionProvider"])

    def score(self, features: Features) -> Scores:
        """Logits, or logarithms of probabilities, (n, 10)."""
        scores: Scores = self._session.run([SCORES], {FEATURES: features})[0]
        return scores

    def save(self, folder: Path) -> None:
        """Write `scorer.onnx`."""
        (folder / FILE).write_bytes(self.content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `scorer.onnx`."""
        graph = cls((folder / FILE).read_bytes())
        _ = graph._session  # a file that is no graph is an error now
        return graph
