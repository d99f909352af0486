"""Novelty, learned: the digits that were learned from, and how far from them a real one may lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._augmentation import varied_copies
from mnist_mlflow.algorithms._no_digits import no_digits
from mnist_mlflow.algorithms._projection import as_rotation, fit_pca, project
from mnist_mlflow.algorithms.base import joined
from mnist_mlflow.data import features_of
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.features import HOG, hog
from mnist_mlflow.model.novelty import Novelty
from mnist_mlflow.types import CLASSES, Examples, Features, Labels, Part

MOST_IMAGES, COPIES = 5_000, 0.5  # that are learned from, and varied copies of each
COMPONENTS = 60
MADE = 5  # of each kind that is no digit
FOUND = 0.9  # of what is no digit, unless that would lose too many or too few digits
FEWEST_LOST, MOST_LOST = 0.001, 0.003  # of the digits


def learn_novelty(train: Part, tuning: Part) -> tuple[Novelty, npt.NDArray[np.bool_]]:
    """The digits by the training images, with a limit by those of the tuning slice and images that are made.

    Of the tuning slice it says which images (n,) lie within the limit.

    Varied copies are learned too: what another hand, pen or camera makes of a digit is one.
    """
    some = train[np.linspace(0, len(train) - 1, min(len(train), MOST_IMAGES)).astype(np.intp)]
    examples = joined(Examples(features_of(some, HOG), some.labels), varied_copies(some, COPIES, HOG, seed=0))
    novelty = _learn_digits(examples.features, examples.labels)
    of_digits = novelty.distances(features_of(tuning, HOG)).min(axis=1)
    of_others = novelty.distances(hog(canonical_digits(no_digits(train, MADE)).images)).min(axis=1)
    least, most = np.quantile(of_digits, (1 - MOST_LOST, 1 - FEWEST_LOST))
    limit = float(np.clip(np.quantile(of_others, 1 - FOUND), least, most))
    return replace(novelty, limit=limit), of_digits <= limit


def _learn_digits(features: Features, labels: Labels) -> Novelty:
    """The digits of features (n, d), without a limit.

    Source of the covariance, which few images suffice for: Ledoit and Wolf, A well-conditioned estimator for
    large-dimensional covariance matrices, 2004.
    """
    from sklearn.covariance import ledoit_wolf

    rotation = as_rotation(fit_pca(features, min(COMPONENTS, *features.shape)))
    components = project((rotation,), features)
    means, whiteners = [], []
    for digit in range(CLASSES):
        of_digit = components[labels == digit]
        means.append(of_digit.mean(axis=0))
        whiteners.append(np.linalg.inv(np.linalg.cholesky(ledoit_wolf(of_digit)[0])))
    arrays = {"mean": rotation.mean, "directions": rotation.directions, "means": means, "whiteners": whiteners}
    return Novelty.from_arrays({**arrays, "limit": 0})
