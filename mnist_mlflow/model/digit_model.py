"""DigitModel: the one model that wraps every algorithm, in the store, in the registry and behind REST."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mnist_mlflow.errors import ModelError, one_line
from mnist_mlflow.model.abstention import FILE, Abstention, as_share
from mnist_mlflow.model.archive import unpacked
from mnist_mlflow.model.calibration import softmax
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.features import FEATURES, HOG, IMAGES, extract
from mnist_mlflow.model.forms import as_pictures
from mnist_mlflow.model.readings import AMBIGUOUS, Readings
from mnist_mlflow.model.scorers.base import Scorer, load_scorer
from mnist_mlflow.model.sharing import shared_out
from mnist_mlflow.types import Images, Picture, Probabilities, Progress, silent

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "model.json"
FORMAT = 3  # of what is written
FORMATS = (3,)  # that can be read: each that was ever logged since the third


@dataclass(frozen=True)
class DigitModel:
    """A chain: pictures in any form, canonical digits, features, scores, calibrated probabilities, readings.

    A member of a vote has no abstention: the vote has.
    """

    features: str
    scorer: Scorer
    temperature: float
    abstention: Abstention | None = None

    @property
    def requirements(self) -> tuple[str, ...]:
        """The distributions that prediction needs, beside NumPy and pandas."""
        return tuple(sorted({"opencv-python-headless", "pillow", *self.scorer.requirements}))

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """A row for each picture, as `Readings.to_frame` has it; `params` may hold `max_error`.

        Takes what `as_pictures` takes. Raises ImageError, a ValueError, that says what was wrong and what is accepted.
        """
        return self.read(as_pictures(data), (params or {}).get("max_error")).to_frame()

    def read(
        self, pictures: Images | Sequence[Picture], max_error: float | None = None, progress: Progress = silent
    ) -> Readings:
        """The readings of pictures of one digit each; of the sure ones at most a share of `max_error` is wrong.

        Without it, the share is the one that the model was trained for. A model without abstention is never sure.
        Raises ParameterError, a ValueError, for what is no share.
        """
        allowed = self._default_error if max_error is None else as_share(max_error)
        return Readings.joined(shared_out(lambda rows: self._read(pictures[rows], allowed), len(pictures), progress))

    def _read(self, pictures: Images | Sequence[Picture], allowed: float) -> Readings:
        canonical = canonical_digits(pictures)
        images = canonical.images
        features, probabilities = self._score(images)
        promised, doubts = np.full(len(images), np.inf), np.full(len(images), AMBIGUOUS, dtype=object)
        if self.abstention:
            histograms = features if self.features == HOG else extract(HOG, images)
            promised, doubts = self.abstention.judge(images, canonical.has_ink, histograms, probabilities)
        why = np.where(promised <= allowed, "", doubts)
        return Readings(images, canonical.inverted, probabilities, why, promised)

    @property
    def _default_error(self) -> float:
        return self.abstention.max_error if self.abstention else 0.0

    def get_raw_model(self) -> Self:
        """Return this model, as MLflow's `PyFuncModel.get_raw_model` does then."""
        return self

    def predict_proba(self, images: Images, progress: Progress = silent) -> Probabilities:
        """Probabilities (n, 10) float64 of canonical digits (n, 28, 28)."""
        return np.concatenate(shared_out(lambda rows: self._score(images[rows])[1], len(images), progress))

    def _score(self, images: Images) -> tuple[Any, Probabilities]:
        """The features of images, and their probabilities."""
        features = extract(self.features, images)
        return features, self.probabilities_of(features)

    def probabilities_of(self, features: Any) -> Probabilities:
        """Probabilities (n, 10) float64 of what `extract` made of n canonical digits."""
        return softmax(self.scorer.score(features), self.temperature)

    def save(self, folder: Path) -> None:
        """Write the model into a new folder, in files without code."""
        folder.mkdir(parents=True)
        description = {"format": FORMAT, "features": self.features, "scorer": self.scorer.kind}
        if self.abstention:
            self.abstention.save(folder)
        (folder / DESCRIPTION).write_text(
            json.dumps({**description, "temperature": self.temperature}, indent=2), encoding="utf-8"
        )
        self.scorer.save(folder)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the model that `save` wrote into a folder, or the archive of that.

        Raises ModelError, a ValueError, for anything else, for other formats, and for links out of the folder.
        """
        try:
            with contextlib.nullcontext(path) if path.is_dir() else unpacked(path) as folder:
                check_links(folder)
                features, kind, temperature = _read_description(folder / DESCRIPTION)
                abstention = Abstention.load(folder) if (folder / FILE).exists() else None
                return cls(features, load_scorer(kind, folder), temperature, abstention)
        except (ModelError, ImportError):  # the latter for a library that is missing
            raise
        except Exception as error:
            # Files of unknown origin may raise anything.
            raise ModelError(f"{path} holds no model: {one_line(error)}") from error


def _read_description(path: Path) -> tuple[str, str, float]:
    """The kind of features, the kind of scorer, and the temperature."""
    description = json.loads(path.read_text(encoding="utf-8"))
    if (stored := description.get("format")) not in FORMATS:
        raise ModelError(f"{path} has the format {stored}; accepted: {', '.join(map(str, FORMATS))}.")
    features, temperature = description["features"], float(description["temperature"])
    if features not in (*FEATURES, IMAGES) or not 0 < temperature < math.inf:
        raise ModelError(f"{path} has features={features!r}, temperature={temperature}.")
    return features, description["scorer"], temperature


def check_links(folder: Path) -> None:
    """Raise ValueError if anything in a folder, which may be anybody's, is a link to somewhere else."""
    home = folder.parent.resolve() / folder.name
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise ValueError(f"{path} is a link that leads out of its folder.")


def _load_pyfunc(path: str) -> DigitModel:
    """Load a logged model; MLflow calls it."""
    return DigitModel.load(Path(path))
