"""Whole chains as graphs answer as the models that they are written from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from mnist_mlflow.algorithms._graphs.building import OPSETS, GraphBuilder
from mnist_mlflow.algorithms._graphs.chain import as_chain
from mnist_mlflow.algorithms._graphs.deskew import add_deskewed
from mnist_mlflow.algorithms._graphs.formulas import Numbers
from mnist_mlflow.algorithms._graphs.hog import add_hog
from mnist_mlflow.data import Dataset
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import FEATURES, IMAGES, deskew, extract, hog
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.model.scorers.vote import Vote
from mnist_mlflow.types import Images
from tests.exported import abstention, nearest_mean
from tests.model.formats import ANSWERS, FOLDER

RANDOM = np.random.default_rng(0)
SPARSE = np.where(RANDOM.random((20, 28, 28)) < 0.1, RANDOM.integers(0, 256, (20, 28, 28)), 0).astype(np.uint8)
MAX_ERRORS = (0.0, 0.01, 0.05, 0.2, 1.0)


def odd_images() -> Images:
    """Images that divide by nothing, or reach the border: none, a row, a column, a point, all of it, noise."""
    images = np.zeros((6, 28, 28), np.uint8)
    images[1, 5], images[2, :, 9], images[3, 3, 27], images[4] = 200, 255, 1, 255
    images[5] = RANDOM.integers(0, 256, (28, 28))
    return np.concatenate([images, SPARSE])


@pytest.fixture(scope="module")
def images(digits: Dataset) -> Images:
    return np.concatenate([digits.validation.images[:200], odd_images()])


@pytest.fixture(scope="module")
def members(digits: Dataset) -> list[DigitModel]:
    """A model of each kind of features."""
    return [nearest_mean(digits, kind, temperature) for kind, temperature in zip(FEATURES, (2.5, 3, 0.7), strict=True)]


def session_of(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString())


def asked(model: DigitModel, images: Images) -> list[np.ndarray]:
    answers: list[np.ndarray] = session_of(as_chain(model, {})).run(None, {"images": images})
    return answers


def test_features_are_those_of_opencv(images: Images) -> None:
    builder = GraphBuilder()
    upright = add_deskewed(Numbers(builder, "images", np.uint8))
    ends = {upright.name: ("upright", ["n", 28, 28]), add_hog(upright).name: ("hog", ["n", 432])}
    described = helper.make_tensor_value_info
    model = builder.as_model(
        [described("images", onnx.TensorProto.UINT8, ["n", 28, 28])],
        {name: described(end, onnx.TensorProto.FLOAT, shape) for name, (end, shape) in ends.items()},
    )
    pixels, histograms = session_of(model).run(None, {"images": images})
    assert np.array_equal(pixels, deskew(images))
    assert np.abs(histograms - hog(images)).max() < 1e-4


@pytest.mark.parametrize("kind", [*FEATURES, IMAGES])
def test_a_chain_answers_as_its_model(kind: str, digits: Dataset, members: list[DigitModel], images: Images) -> None:
    single = dict(zip(FEATURES, members, strict=True))
    model = single.get(kind) or DigitModel(IMAGES, Vote(members, [1, 2, 3.5]), 0.8)
    digit, probabilities, sure = asked(model, images)
    expected = model.predict_proba(images)
    assert [str(answer.dtype) for answer in (digit, probabilities, sure)] == ["int64", "float32", "bool"]
    assert np.abs(probabilities - expected).max() < 1e-4
    assert np.array_equal(digit, expected.argmax(axis=1))
    assert not sure.any()  # without abstention


@pytest.mark.parametrize("max_error", MAX_ERRORS)
def test_what_is_sure_is_what_the_model_is_sure_of(
    max_error: float, digits: Dataset, members: list[DigitModel], images: Images
) -> None:
    doubting = abstention(digits, max_error)
    model = replace(members[0], abstention=doubting)
    sure = asked(model, images)[2]
    promised, _ = doubting.judge(
        images, np.asarray(images.any(axis=(1, 2))), extract("hog", images), model.predict_proba(images)
    )
    assert np.array_equal(sure, promised <= max_error)
    assert not sure[200]  # it is blank
    assert sure.any() == (max_error > 0)
    assert not sure.all()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*.zip")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_algorithm_and_the_ensemble_can_be_written(path: Path) -> None:
    with np.load(path.with_name(ANSWERS)) as answers:
        images, why = answers["images"], answers[f"{path.stem}_why"]
    model = DigitModel.load(path)
    digit, probabilities, sure = asked(model, images)
    expected = model.predict_proba(images)
    assert np.abs(probabilities - expected).max() < 1e-4
    assert np.array_equal(digit, expected.argmax(axis=1))
    assert np.array_equal(sure, why == "")


def test_no_images_get_no_answers(members: list[DigitModel], images: Images) -> None:
    assert [answer.shape for answer in asked(members[2], images[:0])] == [(0,), (0, 10), (0,)]


def test_a_graph_of_older_operators_is_taken(members: list[DigitModel], images: Images) -> None:
    graph = members[0].scorer
    assert isinstance(graph, Graph)
    older = onnx.load_from_string(graph.content)
    older.opset_import[0].version = 12  # whose operators have axes as attributes
    last = older.graph.node.pop()
    for operator, source, target in (("Unsqueeze", last.input[0], "wide"), ("Squeeze", "wide", "scores")):
        older.graph.node.append(helper.make_node(operator, [source], [target], axes=[2]))
    model = replace(members[0], scorer=Graph(older.SerializeToString()))
    chain = as_chain(model, {})
    assert {opset.domain: opset.version for opset in chain.opset_import} == OPSETS
    assert np.abs(asked(model, images)[1] - members[0].predict_proba(images)).max() < 1e-4


def test_features_are_computed_once_for_all_members(members: list[DigitModel]) -> None:
    chain = as_chain(DigitModel(IMAGES, Vote([*members, *members], [1.0] * 6), 1.0), {})
    assert sum(node.op_type == "GridSample" for node in chain.graph.node) == 1
    assert sum(node.op_type == "ReduceL2" for node in chain.graph.node) == 2
