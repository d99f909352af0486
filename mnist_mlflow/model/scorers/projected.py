"""A scorer of principal components instead of the features themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.model.scorers.base import Scorer, load_scorer
from mnist_mlflow.types import Features, Scores


@dataclass(frozen=True)
class Rotation:
    """Directions (k, d), the mean (d,) to subtract, and the scales (k,) to divide by, if any."""

    directions: npt.NDArray[Any]
    mean: npt.NDArray[Any]
    scales: npt.NDArray[Any] | None = None

    def __call__(self, features: Features) -> Features:
        """Features (n, d) as components (n, k), in the order of operations of scikit-learn's PCA."""
        components: Features = features @ self.directions.T
        components -= self.mean.reshape(1, -1) @ self.directions.T
        if self.scales is not None:
            components /= self.scales
        return components


@dataclass(frozen=True)
class Projected(Scorer):
    """Rotations, one after the other, then another scorer."""

    rotations: tuple[Rotation, ...]
    scorer: Scorer

    def score(self, features: Features) -> Scores:
        """The other scorer's scores of the components."""
        return self.scorer.score(project(self.rotations, features))

    @property
    def requirements(self) -> tuple[str, ...]:
        """Those of the other scorer."""
        return self.scorer.requirements

    def save(self, folder: Path) -> None:
        """Write `rotations.npz`, and the other scorer beside it."""
        arrays = {
            f"{name}_{number}": array
            for number, rotation in enumerate(self.rotations)
            for name, array in vars(rotation).items()
            if array is not None
        }
        np.savez(folder / "rotations.npz", **arrays)
        (folder / "projected.json").write_text(
            json.dumps({"scorer": self.scorer.kind, "rotations": len(self.rotations)}), encoding="utf-8"
        )
        self.scorer.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        description = json.loads((folder / "projected.json").read_text(encoding="utf-8"))
        with np.load(folder / "rotations.npz") as arrays:
            rotations = [
                Rotation(arrays[f"directions_{number}"], arrays[f"mean_{number}"], arrays.get(f"scales_{number}"))
                for number in range(description["rotations"])
            ]
        return cls(tuple(rotations), load_scorer(description["scorer"], folder))


def project(rotations: tuple[Rotation, ...], features: Features) -> Features:
    """Features (n, d) as components (n, k)."""
    for rotation in rotations:
        features = rotation(features)
    return features
