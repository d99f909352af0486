"""The contract: what one file in this folder has to offer to be an algorithm.

    Params                  a frozen dataclass: every hyperparameter, typed, with its default and what it accepts
    suggest(trial)          the search space: an Optuna trial -> Params
    build(params, seed)     a Classifier that has not learned yet
    RECIPES                 where there are several sets of defaults: what each value of `recipe` brings

The file's name is the algorithm's name. A file that begins with an underscore is no algorithm: it is what several
share, or what is made of several.
"""

from __future__ import annotations

import json
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.errors import UsageError
from mnist_mlflow.evaluation.calibration import fit_temperature, softmax
from mnist_mlflow.types import CLASSES, Images, Labels, Part, Probabilities, Progress, silent

BATCH = 1_000
WHOLE = 32  # stages of learning are counted in such parts
SMALLEST_SHARE = 1_000
MIDST = 0.6  # of the steps: where networks rank nearly as they will in the end


class Watch:
    """Looks on while a classifier learns; this one takes no note and stops nothing.

    `stages` are the parts of the learning, in units of a 32nd, after which it wants to judge: shares of the images,
    each learned from to the end. Where a classifier learns in steps, the last stage is over in the midst of them; the
    others are not, since early steps tell little: the learning rate rises, or a high one is ahead for no other reason.
    """

    stages: tuple[int, ...] = ()

    def due(self, steps: int) -> dict[int, int]:
        """After which of so many steps which stage is over."""
        return {math.ceil(MIDST * steps): stage for stage in self.stages[-1:]}

    def note(self, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Take note of the metrics after `step` (from 1) of `total`."""

    def judge(self, stage: int, labels: Labels, probabilities: Probabilities) -> None:
        """Judge what a stage gave for images of the tuning slice, (n,) and (n, 10); to raise stops the learning."""


UNWATCHED = Watch()


class Classifier(ABC):
    """Learns from images (n, 28, 28) uint8 and labels (n,) uint8; gives calibrated probabilities (n, 10).

    A subclass says how to learn, score, and keep what was learned; calibration is the same for all.
    """

    requirements: tuple[str, ...]  # the distributions that prediction needs
    library: str  # the distribution that does the learning
    learns_in_steps = False  # and asks the watch by itself then
    temperature = 1.0
    tuning_probabilities: Probabilities  # (n, 10) float64 of the tuning slice, from `fit` on; not kept with the model

    @property
    def engine(self) -> str:
        """What does the learning, with its version."""
        return f"{self.library} {version(self.library)}"

    def fit(self, train: Part, tuning: Part, watch: Watch = UNWATCHED) -> Self:
        """Learn from `train`; stop early and calibrate on `tuning`.

        Where a watch wants to judge, it first learns from shares of the images, and is judged by a share of the tuning
        slice; shares of fewer than a thousand tell too little and are passed over.
        """
        for stage in watch.stages[:-1] if self.learns_in_steps else watch.stages:
            if (size := len(train) * stage // WHOLE) >= SMALLEST_SHARE:
                judges = share_of(tuning, min(SMALLEST_SHARE, len(tuning)))
                self._learn(share_of(train, size), judges, UNWATCHED)
                watch.judge(stage, judges.labels, self._calibrate(self._tuning_scores(judges), judges.labels))
        self._learn(train, tuning, watch)
        self.tuning_probabilities = self._calibrate(self._tuning_scores(tuning), tuning.labels)
        return self

    def _calibrate(self, scores: npt.NDArray[np.floating], labels: Labels) -> Probabilities:
        self.temperature = fit_temperature(scores, labels)
        return softmax(scores, self.temperature)

    def _tuning_scores(self, tuning: Part) -> npt.NDArray[np.floating]:
        return np.concatenate([self._scores(batch) for batch in batches(tuning.images)])

    def predict_proba(self, images: Images, progress: Progress = silent) -> Probabilities:
        """Probabilities (n, 10) float64 of images (n, 28, 28), a thousand at a time to bound the memory."""
        rows = np.empty((len(images), CLASSES))
        done = 0
        for batch in batches(images):
            rows[done : done + len(batch)] = softmax(self._scores(batch), self.temperature)
            done += len(batch)
            progress("predict", done, len(images))
        return rows

    def save(self, folder: Path) -> None:
        """Keep what was learned in a folder, in files that hold no code."""
        self._save(folder)
        (folder / "calibration.json").write_text(json.dumps({"temperature": self.temperature}))

    def restore(self, folder: Path) -> Self:
        """Take up what `save` kept."""
        self._restore(folder)
        self.temperature = json.loads((folder / "calibration.json").read_text())["temperature"]
        return self

    @abstractmethod
    def _learn(self, train: Part, tuning: Part, watch: Watch) -> None: ...

    @abstractmethod
    def _scores(self, images: Images) -> npt.NDArray[np.floating]:
        """Logits, or logarithms of probabilities, (n, 10)."""

    @abstractmethod
    def _save(self, folder: Path) -> None: ...

    @abstractmethod
    def _restore(self, folder: Path) -> None: ...


def share_of(part: Part, size: int) -> Part:
    """So many of the images, digits in proportion, the same ones each time."""
    from mnist_mlflow.data.dataset import stratified_subset  # which is not installed where a logged model predicts

    return part if size == len(part) else stratified_subset(part, size, 0)


def batches(rows: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The rows, a thousand at a time."""
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


class Algorithm(Protocol):
    """A module of this package that keeps the contract."""

    __name__: str
    __doc__: str
    Params: type[Any]

    def suggest(self, trial: Any) -> Any:
        """The hyperparameters that an Optuna trial proposes."""

    def build(self, params: Any, seed: int) -> Classifier:
        """A classifier with these hyperparameters."""


def algorithm_names() -> list[str]:
    """The names of all algorithms: the files of this folder."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = {module.name for module in found if not module.name.startswith("_")}
    return sorted(names - {"base", "task"})


def get_algorithm(name: str) -> Algorithm:
    """The module of an algorithm; raises UsageError, with the known names, for an unknown one."""
    if name not in algorithm_names():
        raise UsageError(f"There is no algorithm {name!r}; accepted: {', '.join(algorithm_names())}.")
    module: Any = import_module(f"mnist_mlflow.algorithms.{name}")
    return module  # type: ignore[no-any-return]


def resolve(algorithm: Algorithm, given: Mapping[str, Any]) -> Any:
    """The hyperparameters: what is given, else what the given recipe brings, else the defaults."""
    recipes: dict[str, dict[str, Any]] = getattr(algorithm, "RECIPES", {})
    return algorithm.Params(**{**recipes.get(given.get("recipe", ""), {}), **given})


def pinned(requirements: Iterable[str]) -> list[str]:
    """The distributions with the versions that are installed here."""
    return [f"{name}=={version(name)}" for name in requirements]
