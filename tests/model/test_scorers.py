"""Each kind of scorer, made of numbers, and the chain that it stands in."""

import json
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import IMAGES, pixels
from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.model.scorers.linear import Linear
from mnist_mlflow.model.scorers.machines import DUELS, Machines
from mnist_mlflow.model.scorers.neighbours import Neighbours
from mnist_mlflow.model.scorers.projected import Projected, Rotation
from mnist_mlflow.model.scorers.vote import Vote, average
from mnist_mlflow.model.sharing import CHUNK
from mnist_mlflow.types import Examples, Features, Scores

RANDOM = np.random.default_rng(0)
IMAGES_SEEN = RANDOM.integers(0, 256, (30, 28, 28)).astype(np.uint8)
ROWS = pixels(IMAGES_SEEN)


def draw(*shape: int) -> Features:
    return RANDOM.normal(size=shape).astype(np.float32)


LINEAR = Linear(draw(10, 784), draw(10))
ROTATION, WHITENING = Rotation(draw(5, 784), draw(784)), Rotation(draw(5, 5), draw(5), np.arange(1.0, 6.0))
SCORERS: dict[str, Scorer] = {
    "linear": LINEAR,
    "machines": Machines(
        {
            "vectors": draw(20, 784),
            "weights": draw(20, len(DUELS[0])),
            "offsets": draw(len(DUELS[0])),
            "gamma": np.asarray(0.01, np.float32),
            "degree": np.asarray(3, np.float32),
        }
    ),
    "neighbours": Neighbours(Examples(ROWS, (np.arange(30) % 10).astype(np.uint8)), 3, "distance"),
    "projected": Projected((ROTATION, WHITENING), Linear(draw(10, 5), draw(10))),
    "vote": Vote([DigitModel("pixels", LINEAR, 2.0), DigitModel("hog", Linear(draw(10, 432), draw(10)), 1.0)], [1, 3]),
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
    assert description == {"format": 2, "features": "pixels", "scorer": "linear", "temperature": 1.5}


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"format": 3}, "the format 3; accepted: 2"), ({"scorer": "oracle"}, "no scorer 'oracle'; accepted: boosted, ")],
)
def test_a_model_of_another_version_is_refused(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    DigitModel("pixels", LINEAR, 1.5).save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=reason):
        DigitModel.load(tmp_path / "model")


def test_predicts_in_batches_and_reports() -> None:
    class Counting(Linear):
        def score(self, features: Features) -> Scores:
            batches.append(len(features))
            return super().score(features)

    batches: list[int] = []
    reports: list[tuple[object, ...]] = []
    images = np.zeros((2 * CHUNK + 7, 28, 28), np.uint8)
    model = DigitModel("pixels", Counting(LINEAR.weights, LINEAR.offsets), 1.0)
    probabilities = model.predict_proba(images, lambda *report: reports.append(report))
    assert probabilities.shape == (len(images), 10)
    assert sorted(batches) == [7, CHUNK, CHUNK]
    assert reports[-1] == ("predict", len(images), len(images))


def test_a_temperature_divides_the_scores() -> None:
    expected = softmax(LINEAR.score(ROWS) / np.float64(3))
    assert np.allclose(DigitModel("pixels", LINEAR, 3.0).predict_proba(IMAGES_SEEN), expected)


def test_a_projection_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    from mnist_mlflow.algorithms._projection import as_rotation

    for whiten in (False, True):
        pca = PCA(7, whiten=whiten, svd_solver="covariance_eigh").fit(ROWS)
        assert np.array_equal(as_rotation(pca)(ROWS), pca.transform(ROWS))


def test_the_average_is_weighted_by_shares() -> None:
    voters = RANDOM.dirichlet(np.ones(10), (5, 8))
    assert np.allclose(average(voters, np.array([0, 0, 1.0, 3.0, 0])), 0.25 * voters[2] + 0.75 * voters[3])


def test_a_digit_without_a_vote_is_not_impossible() -> None:
    assert np.isfinite(SCORERS["neighbours"].score(ROWS)).all()


def test_more_than_a_hundred_members_keep_their_weights(tmp_path: Path) -> None:
    members = [DigitModel("pixels", Linear(np.eye(10, 784), np.arange(10.0)), 1 + index) for index in range(102)]
    model = DigitModel(IMAGES, Vote(members, [1.0 + index for index in range(102)]), 1.0)
    model.save(tmp_path / "model")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    assert np.array_equal(DigitModel.load(tmp_path / "model").predict_proba(images), model.predict_proba(images))
