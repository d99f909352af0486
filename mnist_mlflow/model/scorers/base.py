"""The contract of scorers, and how a kind is found by its name."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np

from mnist_mlflow.model.sharing import shared_out
from mnist_mlflow.types import Features, Scores


class Scorer(ABC):
    """Gives each digit a score, the higher the likelier, from the features of images.

    `learned` are files by their names, from which the library that learned could go on. They are not kept with the
    model.
    """

    learned: Mapping[str, bytes] = MappingProxyType({})

    @abstractmethod
    def score(self, features: Features) -> Scores:
        """Logits, or logarithms of probabilities, (n, 10) of features (n, d)."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learned into a folder that exists, in files without code."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""

    @property
    @abstractmethod
    def requirements(self) -> tuple[str, ...]:
        """The distributions that scoring needs, beside NumPy."""

    @property
    def kind(self) -> str:
        """The name by which `load_scorer` finds this class."""
        return type(self).__module__.rpartition(".")[2]


def load_scorer(kind: str, folder: Path) -> Scorer:
    """The scorer of a kind that was saved in a folder; raises ValueError for an unknown kind."""
    kinds = sorted(
        module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name != "base"
    )
    if kind not in kinds:
        raise ValueError(f"There is no scorer {kind!r}; accepted: {', '.join(kinds)}.")
    scorer: type[Scorer] = getattr(import_module(f"{__package__}.{kind}"), kind.capitalize())
    return scorer.load(folder)


def score_in_batches(scorer: Scorer, features: Features) -> Scores:
    """The scores (n, 10) of features (n, d), as many at a time as when a model is asked."""
    return np.concatenate(shared_out(lambda rows: scorer.score(features[rows]), len(features)))
