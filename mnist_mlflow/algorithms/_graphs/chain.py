"""The whole chain of a model as one graph: from canonical digits to their answers, for any runtime of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._graphs.deskew import add_deskewed
from mnist_mlflow.algorithms._graphs.formulas import Numbers
from mnist_mlflow.algorithms._graphs.hog import add_hog
from mnist_mlflow.model.abstention import Abstention
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.model.scorers.vote import SMALLEST, Vote
from mnist_mlflow.types import CLASSES, SIDE

IMAGES = "images"


def as_chain(model: DigitModel, about: Mapping[str, str]) -> Any:
    """The ONNX model of a model, with what is known about it as metadata.

    Its input `images` are canonical digits (n, 28, 28) uint8. Its outputs are `digit` (n,) int64, `probabilities`
    (n, 10) float32, and `sure` (n,) bool. The latter is by the `max_error` that the model was trained for.
    """
    from onnx import TensorProto, checker, helper

    chain = _Chain()
    probabilities = chain.probabilities(model)
    digit = probabilities.into("ArgMax", axis=1, keepdims=0)
    described = helper.make_tensor_value_info
    outputs = {
        digit.name: described("digit", TensorProto.INT64, ["n"]),
        probabilities.to(np.float32).name: described("probabilities", TensorProto.FLOAT, ["n", CLASSES]),
        chain.sure(model.abstention, probabilities).name: described("sure", TensorProto.BOOL, ["n"]),
    }
    images = described(IMAGES, TensorProto.UINT8, ["n", SIDE, SIDE])
    exported = chain.builder.as_model([images], outputs)
    exported.producer_name = "mnist_mlflow"
    helper.set_model_props(exported, dict(about))
    checker.check_model(exported, full_check=True)
    return exported


class _Chain:
    """A graph from images, in which each kind of features is computed once for all that need it."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self._images = Numbers(self.builder, IMAGES, np.uint8)

    @cached_property
    def _upright(self) -> Numbers:
        return add_deskewed(self._images)

    @cached_property
    def pixels(self) -> Numbers:
        """Features as of `model.features.pixels`."""
        return self._images.to(np.float32).into("Flatten") / 255

    @cached_property
    def deskewed(self) -> Numbers:
        """The same of deskewed images."""
        return self._upright.into("Flatten") / 255

    @cached_property
    def hog(self) -> Numbers:
        """Features as of `model.features.hog`."""
        return add_hog(self._upright)

    def probabilities(self, model: DigitModel) -> Numbers:
        """The probabilities (n, 10) float64."""
        scores = self._logarithms(model.scorer) if isinstance(model.scorer, Vote) else self._scores(model)
        return (scores.to(np.float64) / model.temperature).into("Softmax", axis=1)

    def _scores(self, model: DigitModel) -> Numbers:
        assert isinstance(model.scorer, Graph)  # there are no other kinds of scorers
        features: Numbers = getattr(self, model.features)
        return Numbers(self.builder, self.builder.add_graph(model.scorer, features.name), np.float32)

    def _logarithms(self, vote: Vote) -> Numbers:
        """Logarithms of the average probabilities (n, 10)."""
        shares: list[float] = (vote.weights / vote.weights.sum()).tolist()
        weighted = [self.probabilities(member) * share for member, share in zip(vote.members, shares, strict=True)]
        average = weighted[0].into("Sum", *weighted[1:])
        return average.into("Max", SMALLEST).into("Log")

    def sure(self, abstention: Abstention | None, probabilities: Numbers) -> Numbers:
        """True (n,) for answers that are sure, as `Abstention.judge` finds; without abstention none is."""
        confidence = probabilities.into("ReduceMax", [1], keepdims=0)
        if abstention is None:
            return confidence.into("Greater", np.inf)
        doubt = 1.0 - confidence
        conditions = (
            confidence.into("Greater", lowest_confidence(abstention)),
            (doubt * doubt).into("LessOrEqual", abstention.max_error),
            self.pixels.into("ReduceMax", [1], keepdims=0).into("Greater", 0.0),
            self._distances(abstention.novelty).into("LessOrEqual", abstention.novelty.limit),
        )
        sure, *others = conditions
        for other in others:
            sure = sure.into("And", other)
        return sure

    def _distances(self, novelty: Novelty) -> Numbers:
        """The distances (n,) float64 to the digit that is nearest, as of `Novelty.distances`."""
        components = (self.hog - novelty.mean) @ novelty.directions.T
        apart = (components.into("Unsqueeze", [0]) - novelty.means[:, None]) @ novelty.whiteners.transpose(0, 2, 1)
        squares = apart.to(np.float64)
        return (squares * squares).into("ReduceMean", [2], keepdims=0).into("ReduceMin", [0], keepdims=0).into("Sqrt")


def lowest_confidence(abstention: Abstention) -> float:
    """The confidence above which answers have at most the error that is allowed; infinite where none has."""
    allowed = np.append(abstention.promises, 1.0) <= abstention.max_error
    return float(np.append(np.inf, np.append(abstention.thresholds, -np.inf)[allowed]).min())
