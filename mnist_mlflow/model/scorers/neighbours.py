"""The votes of the nearest training images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from mnist_mlflow.model.scorers.base import Scorer, log_votes
from mnist_mlflow.types import Examples, Features, Scores

SMALLEST_SHARE = 1e-3


@dataclass(frozen=True)
class Neighbours(Scorer):
    """All training examples, how many neighbours of an image vote, and how (`uniform` or by `distance`).

    The search is by brute force: with so many dimensions a tree would visit every leaf anyway. scikit-learn-intelex
    searches where it is installed; the answers are scikit-learn's.
    """

    requirements = ("scikit-learn",)

    examples: Examples
    count: int
    weights: str

    @cached_property
    def _search(self) -> Any:
        kind, _ = fastest_search()
        search = kind(self.count, weights=self.weights, algorithm="brute", n_jobs=-1)
        return search.fit(self.examples.features, self.examples.labels)

    def score(self, features: Features) -> Scores:
        """Logarithms of shares of votes (n, 10)."""
        return log_votes(self._search.predict_proba(features), SMALLEST_SHARE)

    def save(self, folder: Path) -> None:
        """Write `neighbours.npz` and `neighbours.json`."""
        np.savez(folder / "neighbours.npz", features=self.examples.features, labels=self.examples.labels)
        (folder / "neighbours.json").write_text(
            json.dumps({"count": self.count, "weights": self.weights}), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / "neighbours.npz") as arrays:
            examples = Examples(arrays["features"], arrays["labels"])
        return cls(examples, **json.loads((folder / "neighbours.json").read_text(encoding="utf-8")))


def fastest_search() -> tuple[Any, str]:
    """The fastest search for neighbours that is installed, and the distribution that it is from."""
    try:
        from sklearnex.neighbors import KNeighborsClassifier

        return KNeighborsClassifier, "scikit-learn-intelex"
    except ImportError:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier, "scikit-learn"
