from typing import Any

import pytest

from mnist_mlflow.algorithms import cnn, knn
from mnist_mlflow.algorithms.base import resolve
from mnist_mlflow.errors import Failure
from mnist_mlflow.search import search


def distance(number: int, params: Any) -> float:
    """Smallest for seven neighbours."""
    return abs(params.n_neighbors - 7) + number / 1000


def test_the_first_trial_is_the_default() -> None:
    tried: list[Any] = []
    search(knn, {}, 3, 0, lambda number, params: tried.append(params) or 0.0)
    assert tried[0] == knn.Params()
    assert len(set(tried)) > 1


def test_finds_the_best_and_holds_what_was_given() -> None:
    tried: list[Any] = []
    found = search(knn, {"weights": "uniform"}, 25, 0, lambda *trial: tried.append(trial[1]) or distance(*trial))
    assert {params.weights for params in tried} == {"uniform"}
    assert found in tried
    assert abs(found.n_neighbors - 7) <= 1


def test_what_the_search_leaves_out_is_as_the_recipe_says() -> None:
    tried: list[Any] = []
    search(cnn, {"recipe": "accurate"}, 4, 0, lambda number, params: tried.append(params) or 0.0)
    assert tried[0] == resolve(cnn, {"recipe": "accurate"})
    assert {params.epochs for params in tried} == {cnn.RECIPES["accurate"]["epochs"]}
    assert len({params.filters for params in tried}) > 1


def test_the_same_seed_tries_the_same() -> None:
    runs: list[list[Any]] = [[], []]
    for tried in runs:
        search(knn, {}, 6, 3, lambda number, params, tried=tried: tried.append(params) or distance(number, params))
    assert runs[0] == runs[1]


def test_a_failed_trial_does_not_stop_the_search() -> None:
    def objective(number: int, params: Any) -> float:
        if number == 0:
            raise Failure("out of memory")
        return distance(number, params)

    assert search(knn, {}, 3, 0, objective) != knn.Params()


def test_a_search_whose_trials_all_fail_gives_the_first_reason() -> None:
    def objective(number: int, params: Any) -> float:
        raise Failure(f"reason {number}")

    with pytest.raises(Failure, match="All 3 trials failed, the first one so: reason 0"):
        search(knn, {}, 3, 0, objective)
