from typing import Any

import optuna

from mnist_mlflow.algorithms import cnn, knn, svm
from mnist_mlflow.algorithms.base import resolve
from mnist_mlflow.search.space import Space


def proposals(space: Space, times: int = 12, **fixed: Any) -> list[Any]:
    """Random proposals of a space."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(times):
        study.enqueue_trial(fixed)
    return [space.propose(study.ask()) for _ in range(times)]


def test_a_fixed_hyperparameter_is_not_tried() -> None:
    params_tried = proposals(Space(knn, {"weights": "uniform", "n_neighbors": 3}))
    assert {(params.weights, params.n_neighbors) for params in params_tried} == {("uniform", 3)}
    assert len({params.components for params in params_tried}) > 3


def test_a_hyperparameter_outside_the_search_is_as_the_recipe_says() -> None:
    space = Space(cnn, {"recipe": "accurate"})
    assert space.defaults == resolve(cnn, {"recipe": "accurate"})
    params_tried = proposals(space)
    assert {params.epochs for params in params_tried} == {cnn.RECIPES["accurate"]["epochs"]}
    assert len({params.filters for params in params_tried}) > 1


def test_a_degree_is_tried_for_kernels_that_have_one() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask() for _ in range(12)]
    for trial in trials:
        Space(svm, {}).propose(trial)
    assert {trial.params["kernel"]: "degree" in trial.params for trial in trials} == {"rbf": False, "poly": True}


def test_a_condition_sees_a_fixed_hyperparameter() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask() for _ in range(6)]
    params_tried = [Space(svm, {"kernel": "poly"}).propose(trial) for trial in trials]
    assert {params.kernel for params in params_tried} == {"poly"}
    assert all("degree" in trial.params for trial in trials)


def test_the_defaults_can_be_enqueued() -> None:
    space = Space(knn, {"components": 40})
    (params,) = proposals(space, 1, **vars(space.defaults))
    assert params == space.defaults == knn.Params(components=40)
