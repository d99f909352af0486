"""The contract: what one file in this folder has to offer to be an algorithm.

    Params                  a `parameters` class: every hyperparameter, typed, with its default and what it accepts
    suggest(trial)          the search space: an Optuna trial -> Params; each is suggested under its own name
    fit(params, train, tuning, seed, callback)
                            learns from features, stops early by those of `tuning` -> an ONNX graph that scores
    LIBRARY                 the distribution that does the learning
    LEARNS_IN_STEPS         True where `fit` calls `callback.on_step` (False unless it is said)
    EXTRA                   where the project is installed without LIBRARY, the extra that brings it, of the same name
    RECIPES                 where there are several sets of defaults: what each value of `recipe` brings
    TOLERANCE               how far probabilities may move where it learns the same again with other threads, or on
                            another processor; the docstring says why (0, not at all, unless it is said)
    SECONDS                 about how long it learns 45,000 images on two cores: of several, `main` begins with the
                            longest (0 unless it is said)

The file's name is the algorithm's name. Calibration is the same for all: `train_model` adds it. Where Params has
`copies`, it also adds so many varied copies of each training image.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._augmentation import varied_copies
from mnist_mlflow.data import features_of
from mnist_mlflow.errors import MissingLibraryError, UsageError
from mnist_mlflow.evaluation.calibration import fit_temperature
from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import FEATURES
from mnist_mlflow.model.scorers.base import Scorer, score_in_batches
from mnist_mlflow.parameters import not_known, real
from mnist_mlflow.types import Examples, Labels, Part, Probabilities, Scores

KINDS = tuple(FEATURES)  # of features that an algorithm may learn from
MEASURED_ON = 45_000  # images, which the SECONDS are those of
BROUGHT = {"tensorflow": ("tensorflow", "tf2onnx")}  # by extras, of the same name; Keras writes graphs by the second


class Callback:
    """Watches the learning; this one does nothing. A method that raises stops the learning."""

    watches_steps = False  # Keras waits for each batch where somebody looks at it

    def on_epoch(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Take note of the metrics after epoch or round `step` (from 1) of `total`."""

    def on_step(self, step: int, total: int, scores: Callable[[], Scores]) -> None:
        """Look at batch or round `step` (from 1) of `total`; `scores` gives those of the tuning slice as of now."""

    def on_interrupt(self, scorer: Scorer) -> None:
        """Take the best scorer so far, where an interruption ends the learning."""


SILENT = Callback()


class Algorithm(Protocol):
    """A module of this package that keeps the contract."""

    __name__: str
    __doc__: str
    Params: type[Any]
    LIBRARY: str

    def suggest(self, trial: Any) -> Any:
        """The hyperparameters that an Optuna trial proposes."""

    def fit(self, params: Any, train: Examples, tuning: Examples, seed: int, callback: Callback) -> Scorer:
        """A scorer that has learned."""


@dataclass(frozen=True)
class TrainedModel:
    """A model that has learned and is calibrated, with an account of its learning.

    `tuning_probabilities` (n, 10) are those of the tuning slice; `engine` names the library with its version.
    `seconds` counts features, fit and calibration.
    """

    model: DigitModel
    tuning_probabilities: Probabilities
    engine: str
    seconds: float


def train_model(
    algorithm: Algorithm, params: Any, train: Part, tuning: Part, seed: int, callback: Callback = SILENT
) -> TrainedModel:
    """Learn from `train`; stop early and calibrate on `tuning`."""
    started = time.perf_counter()
    examples, judges = (Examples(features_of(part, params.features), part.labels) for part in (train, tuning))
    if copies := getattr(params, "copies", 0.0):
        examples = joined(examples, varied_copies(train, copies, params.features, seed))
    scorer = algorithm.fit(params, examples, judges, seed, callback)
    model, probabilities = calibrate(scorer, params.features, judges.features, judges.labels)
    return TrainedModel(model, probabilities, engine(algorithm.LIBRARY), time.perf_counter() - started)


def joined(first: Examples, second: Examples) -> Examples:
    """All of the examples."""
    features = np.concatenate([first.features, second.features])
    return Examples(features, np.concatenate([first.labels, second.labels]))


def copies_of(default: float) -> Any:
    """The parameter `copies`."""
    return real(default, 0.0, 10.0, "varied copies of each training image that are learned too: other hands and pens")


def calibrate(
    scorer: Scorer, kind: str, features: npt.NDArray[Any], labels: Labels
) -> tuple[DigitModel, Probabilities]:
    """The model whose temperature suits the labels (n,) of features (n, d) best, and its probabilities (n, 10)."""
    scores = score_in_batches(scorer, features)
    temperature = fit_temperature(scores, labels)
    return DigitModel(kind, scorer, temperature), softmax(scores, temperature)


def engine(library: str) -> str:
    """A distribution with its version."""
    return f"{library} {version(library)}"


def lacking_library(names: Iterable[str]) -> list[str]:
    """The algorithms among these that learn with a library of an extra which is missing."""
    return [name for name in names if _missing_libraries(name)]


def _missing_libraries(name: str) -> list[str]:
    extra = getattr(get_algorithm(name), "EXTRA", "")
    return [library for library in BROUGHT.get(extra, ()) if not _is_installed(library)]


def _is_installed(library: str) -> bool:
    try:
        return bool(version(library) and find_spec(library))
    except PackageNotFoundError:
        return False


def missing_library(names: Sequence[str]) -> MissingLibraryError:
    """The error for algorithms that lack a library, with what to install."""
    extra, library = getattr(get_algorithm(names[0]), "EXTRA", ""), _missing_libraries(names[0])[0]
    return MissingLibraryError(
        f'{" and ".join(names)} cannot learn: {library} is not installed. Type: pip install "mnist-mlflow[{extra}]"'
    )


def learns_in_steps(algorithm: Algorithm) -> bool:
    """True for an algorithm whose `fit` calls `callback.on_step`."""
    return bool(getattr(algorithm, "LEARNS_IN_STEPS", False))


def tolerance_of(name: str) -> float:
    """The distance that probabilities of an algorithm may move when it learns again; 0 for an unknown algorithm."""
    return float(getattr(get_algorithm(name), "TOLERANCE", 0.0)) if name in algorithm_names() else 0.0


def longest_first(names: Iterable[str]) -> list[str]:
    """Algorithms in the order in which several at a time are done the soonest."""
    return sorted(names, key=lambda name: -getattr(get_algorithm(name), "SECONDS", 0.0))


def expected_seconds(names: Iterable[str], images: int) -> float:
    """About how long algorithms learn so many images on two cores, one after the other."""
    return sum(getattr(get_algorithm(name), "SECONDS", 0.0) for name in names) * images / MEASURED_ON


def algorithm_names() -> list[str]:
    """The names of all algorithms: the files of this folder."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = {module.name for module in modules if not module.name.startswith("_")}
    return sorted(names - {"abstention", "base", "task"})


def get_algorithm(name: str) -> Algorithm:
    """The module of an algorithm; raises UsageError, with the known names, for an unknown one."""
    if name not in algorithm_names():
        raise UsageError(not_known("algorithm", name, algorithm_names()))
    module: Any = import_module(f"mnist_mlflow.algorithms.{name}")
    return module  # type: ignore[no-any-return]


def resolve(algorithm: Algorithm, hyperparameters: Mapping[str, Any]) -> Any:
    """All hyperparameters: these, else those of their recipe, else the defaults."""
    recipes: dict[str, dict[str, Any]] = getattr(algorithm, "RECIPES", {})
    return algorithm.Params(**{**recipes.get(hyperparameters.get("recipe", ""), {}), **hyperparameters})
