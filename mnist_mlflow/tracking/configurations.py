"""Configurations: all that makes a training run but its seed. Runs that share one differ in nothing but the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from mnist_mlflow.data import Dataset
from mnist_mlflow.tracking.provenance import code_digest

CONFIGURATION = "configuration"  # the tag
NOT_OF_IT = ("seed", "data")  # the digests tell the data: `auto` and `mnist` may be the same


def configuration(algorithm: str, params: Mapping[str, object], dataset: Dataset, engine: str) -> str:
    """The digest of an algorithm, its resolved parameters, data set, split, library and code."""
    settings = {name: str(value) for name, value in params.items() if name not in NOT_OF_IT}
    parts = [algorithm, settings, dataset.digest, dataset.split_digest, engine, code_digest()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
