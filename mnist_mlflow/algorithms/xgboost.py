"""Gradient-boosted trees on HOG features.

Expect about 99.4 % on the test images, 46 s to learn 45,000 on two cores.

    mlflow run . -e xgboost
    mlflow run . -e xgboost -P max_depth=4 -P learning_rate=0.1
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._estimator import EstimatorClassifier
from mnist_mlflow.algorithms._features import KINDS
from mnist_mlflow.algorithms.base import Classifier, Watch
from mnist_mlflow.parameters import choice, integer, parameters, real
from mnist_mlflow.types import CLASSES, Examples, Features, Labels


@parameters
class Params:
    """The hyperparameters of gradient boosting."""

    features: str = choice("hog", KINDS, "what the images are turned into")
    components: int = integer(0, 0, 784, "principal components that are kept; 0: the features as they are")
    rounds: int = integer(200, 1, 10_000, "boosting rounds at most")
    patience: int = integer(20, 1, 1_000, "rounds without a better log loss on the tuning slice before it stops")
    learning_rate: float = real(0.2, 1e-4, 1.0, "how much of each tree is added")
    max_depth: int = integer(6, 1, 20, "how deep a tree grows")
    subsample: float = real(0.8, 0.05, 1.0, "share of the images that a tree sees")
    colsample_bynode: float = real(0.05, 0.01, 1.0, "share of the features that a split may use")
    max_bin: int = integer(32, 2, 1_024, "steps into which each feature is cut")


def suggest(trial: Any) -> Params:
    """The search space."""
    return Params(
        learning_rate=trial.suggest_float("learning_rate", 0.05, 0.5, log=True),
        max_depth=trial.suggest_int("max_depth", 3, 8),
        subsample=trial.suggest_float("subsample", 0.5, 1.0),
        colsample_bynode=trial.suggest_float("colsample_bynode", 0.05, 1.0, log=True),
    )


def build(params: Params, seed: int) -> Classifier:
    """Histogram trees on all cores."""
    return BoostedTrees(params, seed)


class BoostedTrees(EstimatorClassifier):
    """Keeps the rounds up to the best one on the tuning slice, in XGBoost's own format."""

    requirements = (*EstimatorClassifier.requirements, "xgboost")
    library = "xgboost"
    learns_in_steps = True

    def __init__(self, params: Params, seed: int) -> None:
        super().__init__(params.features, params.components, None)
        self.params, self.seed = params, seed

    def _learn_projected(self, train: Examples, tuning: Examples, watch: Watch) -> None:
        import xgboost

        learned = xgboost.QuantileDMatrix(train.features, train.labels, max_bin=self.params.max_bin)
        watched = xgboost.DMatrix(tuning.features, tuning.labels)
        booster = xgboost.train(
            self._settings(),
            learned,
            self.params.rounds,
            evals=[(learned, "train"), (watched, "tuning")],
            early_stopping_rounds=self.params.patience,
            callbacks=[self._looking_on(watch, watched, tuning.labels)],
            verbose_eval=False,
        )
        self.estimator = booster[: booster.best_iteration + 1]

    def _looking_on(self, watch: Watch, watched: Any, labels: Labels) -> Any:
        from xgboost.callback import TrainingCallback

        rounds, calibrate = self.params.rounds, self._calibrate
        due = watch.due(rounds)

        class LookingOn(TrainingCallback):  # type: ignore[misc]
            def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
                watch.note(epoch + 1, rounds, _figures(evals_log))
                if stage := due.get(epoch + 1):
                    scores = model.predict(watched, output_margin=True)
                    watch.judge(stage, labels, calibrate(scores, labels))
                return False

        return LookingOn()

    def _settings(self) -> dict[str, Any]:
        return {
            "objective": "multi:softprob",
            "num_class": CLASSES,
            "eval_metric": ["merror", "mlogloss"],  # the last one stops
            "tree_method": "hist",
            "learning_rate": self.params.learning_rate,
            "max_depth": self.params.max_depth,
            "subsample": self.params.subsample,
            "colsample_bynode": self.params.colsample_bynode,
            "max_bin": self.params.max_bin,
            "seed": self.seed,
        }

    def _score_projected(self, features: Features) -> npt.NDArray[np.floating]:
        scores: npt.NDArray[np.floating] = self.estimator.inplace_predict(features, predict_type="margin")
        return scores

    def _save_estimator(self, folder: Path) -> None:
        self.estimator.save_model(folder / "booster.ubj")

    def _restore_estimator(self, folder: Path) -> None:
        import xgboost

        self.estimator = xgboost.Booster(model_file=folder / "booster.ubj")


def _figures(evals_log: Mapping[str, Any]) -> dict[str, float]:
    train, tuning = evals_log["train"], evals_log["tuning"]
    return {
        "train_loss": train["mlogloss"][-1],
        "epoch_val_loss": tuning["mlogloss"][-1],
        "epoch_val_accuracy": 1 - tuning["merror"][-1],
    }
