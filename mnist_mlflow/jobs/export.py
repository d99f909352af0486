"""Write a model into one ONNX file, which any runtime of ONNX reads without Python: canonical digits in, answers out.

ONNX Runtime alone answers by it.

    python -m mnist_mlflow export
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mnist_mlflow.algorithms._graphs.chain import as_chain, lowest_confidence
from mnist_mlflow.jobs.outputs import check_out
from mnist_mlflow.model import geometry
from mnist_mlflow.model.abstention import Abstention
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.scorers.vote import Vote
from mnist_mlflow.parameters import parameters, path
from mnist_mlflow.protocol import ModelOptions
from mnist_mlflow.tracking.readers import Reader, load_reader, run_facts
from mnist_mlflow.types import SIDE, Progress

FILE = "digits.onnx"
CANONICAL = {
    "side": SIDE,
    "box": geometry.BOX,
    "centre": "mass",
    "ground": 0,
    "ink": 255,
    "least_ink_in_box": geometry.BRIGHT,
    "longer_side": geometry.EXTENT,
    "centre_within": geometry.CENTRE,
    "least_ground": geometry.GROUND,
    "least_brightest_ink": geometry.WHITE,
}  # the form that the images have to have


@parameters
class Params(ModelOptions):
    """Options of `export`."""

    out: Path = path(FILE, "the file to write")


@dataclass(frozen=True)
class Export:
    """The model by its name, and the file that it is in, with its size in megabytes."""

    model: str
    out: Path
    megabytes: float


def run(params: Params, progress: Progress) -> Export:
    """Write the file; raises UserFacingError, before anything is written, where no model loads."""
    out = check_out(params.out, FILE)
    progress("write the model", 0, 0)
    reader = load_reader(params.model, params.registered_model)
    content = as_chain(reader.digits, describe(reader)).SerializeToString()
    out.write_bytes(content)
    progress("write the model", 1, 1)
    return Export(reader.name, out, len(content) / 1e6)


def describe(reader: Reader) -> dict[str, str]:
    """Metadata: which model it is, where it comes from, the form of its input, and its calibration.

    Lists and tables are JSON.
    """
    model, about = reader.digits, reader.pyfunc.metadata
    ids = {"model_id": about.model_id, "run_id": about.run_id}
    return {
        "model": reader.name,
        **{name: value for name, value in ids.items() if value},
        **run_facts(reader),
        "canonical": json.dumps(CANONICAL),
        **_calibration(model),
        **(_abstention(model.abstention) if model.abstention else {}),
    }


def _calibration(model: DigitModel) -> dict[str, str]:
    calibration = {"features": model.features, "temperature": str(model.temperature)}
    if not isinstance(model.scorer, Vote):
        return calibration
    weighted = zip(model.scorer.members, model.scorer.weights.tolist(), strict=True)
    members = [
        {"features": member.features, "temperature": member.temperature, "weight": weight}
        for member, weight in weighted
    ]
    return {**calibration, "members": json.dumps(members)}


def _abstention(abstention: Abstention) -> dict[str, str]:
    """The limits of what is sure. Of thresholds the lowest is 0, as JSON has no infinity."""
    return {
        "max_error": str(abstention.max_error),
        "sure_above": str(lowest_confidence(abstention)),
        "thresholds": json.dumps(abstention.thresholds.clip(0).tolist()),
        "promises": json.dumps(abstention.promises.tolist()),
        "largest_distance": str(abstention.novelty.limit),
    }
