"""Gradient-boosted trees on the linear discriminants and principal components of HOG features.

Expect about 99.4 % on the test images, 17 s to learn 45,000 on two cores.

Learned again, it is the same on any number of threads, and with the instructions of another processor. There is no
tolerance.

    mlflow run . -e xgboost --env-manager local
    mlflow run . -e xgboost --env-manager local -P max_depth=4 -P learning_rate=0.1
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._graphs.trees import BELOW, Tree, add_trees
from mnist_mlflow.algorithms._projection import Rotation, add_projection, discriminants, reduced
from mnist_mlflow.algorithms.base import KINDS, Callback, copies_of
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.parameters import choice, integer, parameters, real
from mnist_mlflow.types import CLASSES, Examples

LIBRARY = "xgboost"
SECONDS = 17
LEARNS_IN_STEPS = True


@parameters
class Params:
    """The hyperparameters of gradient boosting."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    copies: float = copies_of(0.25)
    components: int = integer(100, 0, 784, "principal components beside the discriminants; 0: the features as they are")
    rounds: int = integer(150, 1, 10_000, "boosting rounds at most")
    patience: int = integer(20, 1, 1_000, "rounds without a better log loss on the tuning slice before it stops")
    learning_rate: float = real(0.2, 1e-4, 1.0, "how much of each tree is added")
    max_depth: int = integer(6, 1, 20, "how deep a tree grows")
    subsample: float = real(0.8, 0.05, 1.0, "share of the images that a tree sees")
    colsample_bynode: float = real(0.15, 0.01, 1.0, "share of the features that a split may use")
    max_bin: int = integer(32, 2, 1_024, "steps into which each feature is cut")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        components=trial.suggest_int("components", 30, 100, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.05, 0.5, log=True),
        max_depth=trial.suggest_int("max_depth", 3, 8),
        subsample=trial.suggest_float("subsample", 0.5, 1.0),
        colsample_bynode=trial.suggest_float("colsample_bynode", 0.05, 1.0, log=True),
    )


def fit(params: Params, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Graph:
    """Histogram trees on all cores; the rounds up to the best one on the tuning slice are kept."""
    import xgboost

    width, rotations = train.features.shape[1], discriminants(train, params.components)
    train, tuning = reduced(rotations, train), reduced(rotations, tuning)
    lessons = xgboost.QuantileDMatrix(train.features, train.labels, max_bin=params.max_bin)
    judges = xgboost.DMatrix(tuning.features, tuning.labels)
    booster = xgboost.train(
        _settings(params, seed),
        lessons,
        params.rounds,
        evals=[(lessons, "train"), (judges, "tuning")],
        early_stopping_rounds=params.patience,
        callbacks=[_as_xgboost_callback(callback, params.rounds, judges)],
        verbose_eval=False,
    )
    return as_graph(booster[: booster.best_iteration + 1], rotations, width)


def as_graph(booster: Any, rotations: tuple[Rotation, ...], width: int) -> Graph:
    """The margins of a booster, asked by so many features; the booster itself is what learning could go on with."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    model = learner["gradient_booster"]["model"]
    trees = [_as_tree(tree, digit) for tree, digit in zip(model["trees"], model["tree_info"], strict=True)]
    builder = GraphBuilder()
    sums = add_trees(builder, add_projection(builder, rotations), trees, CLASSES, BELOW)
    base = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32)
    return builder.finish(builder.add("Add", sums, base), width, {"booster.ubj": bytes(booster.save_raw("ubj"))})


def _as_tree(tree: Mapping[str, Any], digit: int) -> Tree:
    """A tree of XGBoost's JSON; a leaf keeps its value where others keep what they compare with."""
    left, right, feature = (np.array(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    conditions = np.array(tree["split_conditions"], np.float32)
    return Tree(left, right, feature, conditions, conditions, digit)


def _as_xgboost_callback(callback: Callback, rounds: int, judges: Any) -> Any:
    from xgboost.callback import TrainingCallback

    class Watching(TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
            train, tuning = evals_log["train"], evals_log["tuning"]
            metrics = {
                "train_loss": train["mlogloss"][-1],
                "epoch_val_loss": tuning["mlogloss"][-1],
                "epoch_val_accuracy": 1 - tuning["merror"][-1],
            }
            callback.on_epoch(epoch + 1, rounds, metrics)
            callback.on_step(epoch + 1, rounds, lambda: model.predict(judges, output_margin=True))
            return False

    return Watching()


def _settings(params: Params, seed: int) -> dict[str, Any]:
    return {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "eval_metric": ["merror", "mlogloss"],  # the last one stops
        "tree_method": "hist",
        "learning_rate": params.learning_rate,
        "max_depth": params.max_depth,
        "subsample": params.subsample,
        "colsample_bynode": params.colsample_bynode,
        "max_bin": params.max_bin,
        "seed": seed,
    }
