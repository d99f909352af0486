"""Trees as a graph against the libraries that grew them."""

from typing import Any

import numpy as np
import pytest
import xgboost as library
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from mnist_mlflow.algorithms import forest, xgboost
from mnist_mlflow.algorithms._graphs.building import SMALLEST_SHARE
from mnist_mlflow.model.scorers.graph import Graph

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.integers(0, 4, (300, 6)).astype(np.float32)  # many values are equal, so that ties at a threshold occur
LABELS = np.concatenate([np.arange(10), (ROWS[10:].sum(axis=1) % 10)]).astype(np.uint8)


@pytest.mark.parametrize("least", [1, 5, 300])  # leaves of one digit, of several, and no other node but one
@pytest.mark.parametrize("kind", [ExtraTreesClassifier, RandomForestClassifier])
def test_a_forest_votes_as_scikit_learns_does(kind: type[Any], least: int) -> None:
    grown = kind(7, min_samples_leaf=least, random_state=0).fit(ROWS, LABELS)
    graph = forest.as_graph([tree.tree_ for tree in grown.estimators_], 6)
    expected = np.log(np.maximum(grown.predict_proba(ROWS), SMALLEST_SHARE))
    assert np.allclose(graph.score(ROWS), expected, atol=1e-5)


def test_what_is_just_above_a_threshold_stays_above_it() -> None:
    thresholds = np.array([0.1, 1 / 3, -0.7, 0.25])  # all but the last have no exact float32
    lower = forest.floor(thresholds)
    assert (lower <= thresholds).all()
    assert (np.nextafter(lower, np.float32(1)) > thresholds).all()
    assert lower[3] == 0.25


def boosted(rounds: int, **settings: Any) -> tuple[library.Booster, Graph]:
    lessons = library.QuantileDMatrix(ROWS, LABELS, max_bin=16)
    settings |= {"objective": "multi:softprob", "num_class": 10, "max_depth": 3, "max_bin": 16}
    booster = library.train(settings, lessons, rounds)
    return booster, xgboost.as_graph(booster, (), 6)


@pytest.mark.parametrize("settings", [{}, {"gamma": 100.0}, {"base_score": 0.3}], ids=str)  # the second: leaves alone
def test_boosted_trees_add_up_as_xgboosts_do(settings: dict[str, Any]) -> None:
    booster, graph = boosted(5, **settings)
    margins = booster.predict(library.DMatrix(ROWS), output_margin=True)
    assert np.allclose(graph.score(ROWS), margins, atol=1e-5)


def test_xgboost_goes_on_learning_from_what_a_graph_leaves() -> None:
    _, graph = boosted(5)
    kept = library.Booster(model_file=bytearray(graph.learned["booster.ubj"]))
    settings, lessons = {"objective": "multi:softprob", "num_class": 10}, library.DMatrix(ROWS, LABELS)
    assert library.train(settings, lessons, 2, xgb_model=kept).num_boosted_rounds() == 7
