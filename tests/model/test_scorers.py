"""Each kind of scorer, made of numbers, and the chain that it stands in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import IMAGES, pixels
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.model.scorers.vote import Vote, average
from mnist_mlflow.model.sharing import CHUNK
from mnist_mlflow.types import Features, Scores
from tests.scorers import linear

RANDOM = np.random.default_rng(0)
IMAGES_SEEN = RANDOM.integers(0, 256, (30, 28, 28)).astype(np.uint8)
ROWS = pixels(IMAGES_SEEN)


def draw(*shape: int) -> Features:
    return RANDOM.normal(size=shape).astype(np.float32)


LINEAR = linear(draw(10, 784), draw(10))
SCORERS: dict[str, Scorer] = {
    "graph": LINEAR,
    "vote": Vote([DigitModel("pixels", LINEAR, 2.0), DigitModel("hog", linear(draw(10, 432), draw(10)), 1.0)], [1, 3]),
}


@pytest.mark.parametrize("kind", SCORERS)
def test_a_kept_model_answers_as_before(kind: str, tmp_path: Path) -> None:
    scorer = SCORERS[kind]
    model = DigitModel(IMAGES if kind == "vote" else "pixels", scorer, 1.5)
    model.save(tmp_path / "model")
    restored = DigitModel.load(tmp_path / "model")
    assert scorer.kind == restored.scorer.kind == kind
    assert restored.requirements == model.requirements
    assert np.array_equal(restored.predict_proba(IMAGES_SEEN), model.predict_proba(IMAGES_SEEN))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".joblib", ".pickle", ".py")]


def test_a_model_tells_its_chain_and_its_format_and_no_hyperparameters(tmp_path: Path) -> None:
    DigitModel("pixels", LINEAR, 1.5).save(tmp_path / "model")
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    assert description == {"format": 3, "features": "pixels", "scorer": "graph", "temperature": 1.5}


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"format": 2}, "the format 2; accepted: 3"), ({"scorer": "oracle"}, "no scorer 'oracle'; accepted: graph, vote")],
)
def test_a_model_of_another_version_is_refused(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    DigitModel("pixels", LINEAR, 1.5).save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=reason):
        DigitModel.load(tmp_path / "model")


def test_predicts_in_batches_and_reports() -> None:
    class Counting(Graph):
        def score(self, features: Features) -> Scores:
            batches.append(len(features))
            return super().score(features)

    batches: list[int] = []
    reports: list[tuple[object, ...]] = []
    images = np.zeros((2 * CHUNK + 7, 28, 28), np.uint8)
    model = DigitModel("pixels", Counting(LINEAR.content), 1.0)
    probabilities = model.predict_proba(images, lambda *report: reports.append(report))
    assert probabilities.shape == (len(images), 10)
    assert sorted(batches) == [7, CHUNK, CHUNK]
    assert reports[-1] == ("predict", len(images), len(images))


def test_a_temperature_divides_the_scores() -> None:
    expected = softmax(LINEAR.score(ROWS) / np.float64(3))
    assert np.allclose(DigitModel("pixels", LINEAR, 3.0).predict_proba(IMAGES_SEEN), expected)


def test_a_graph_takes_one_thread() -> None:
    options: Any = LINEAR._session.get_session_options()
    assert options.intra_op_num_threads == 1


def test_the_average_is_weighted_by_shares() -> None:
    voters = RANDOM.dirichlet(np.ones(10), (5, 8))
    assert np.allclose(average(voters, np.array([0, 0, 1.0, 3.0, 0])), 0.25 * voters[2] + 0.75 * voters[3])


def test_more_than_a_hundred_members_keep_their_weights(tmp_path: Path) -> None:
    scorer = linear(np.eye(10, 784), np.arange(10.0))
    members = [DigitModel("pixels", scorer, 1 + index) for index in range(102)]
    model = DigitModel(IMAGES, Vote(members, [1.0 + index for index in range(102)]), 1.0)
    model.save(tmp_path / "model")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    assert np.array_equal(DigitModel.load(tmp_path / "model").predict_proba(images), model.predict_proba(images))
