"""The votes of a forest's trees."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from skops import io  # imported with this file: a forest that cannot be kept is not worth learning

from mnist_mlflow.model.scorers.base import Scorer, log_votes
from mnist_mlflow.types import Features, Scores

SMALLEST_SHARE = 1e-3
TRUSTED = ["sklearn.tree._tree.Tree"]  # what scikit-learn's forests hold beyond the types that skops trusts by itself


@dataclass(frozen=True)
class Trees(Scorer):
    """A forest of scikit-learn, kept by skops."""

    requirements = ("scikit-learn", "skops")

    forest: Any

    def score(self, features: Features) -> Scores:
        """Logarithms of shares of votes (n, 10)."""
        return log_votes(self.forest.predict_proba(features), SMALLEST_SHARE)

    def save(self, folder: Path) -> None:
        """Write `forest.skops`, compressed, which shrinks trees to a sixth."""
        io.dump(self.forest, folder / "forest.skops", compression=zipfile.ZIP_DEFLATED, compresslevel=1)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `forest.skops`; refuses types that are not of scikit-learn's forests."""
        return cls(io.load(folder / "forest.skops", trusted=TRUSTED))
