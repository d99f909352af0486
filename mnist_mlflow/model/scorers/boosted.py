"""The margins of boosted trees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mnist_mlflow.model.scorers.base import Scorer
from mnist_mlflow.types import Features, Scores


@dataclass(frozen=True)
class Boosted(Scorer):
    """A booster of XGBoost, kept in its own format."""

    requirements = ("xgboost",)

    booster: Any

    def score(self, features: Features) -> Scores:
        """Margins (n, 10)."""
        scores: Scores = self.booster.inplace_predict(features, predict_type="margin")
        return scores

    def save(self, folder: Path) -> None:
        """Write `booster.ubj`."""
        self.booster.save_model(folder / "booster.ubj")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `booster.ubj`."""
        import xgboost

        return cls(xgboost.Booster(model_file=folder / "booster.ubj"))
