"""Models of each format that was ever logged are read, and answer as on the day on which they were."""

from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.model.digit_model import FORMATS, DigitModel
from tests.model.formats import ANSWERS, FOLDER

MODELS = sorted(FOLDER.glob("*/*.zip"))


def test_there_are_models_of_each_format_and_no_other() -> None:
    assert {path.parent.name for path in MODELS} == set(map(str, FORMATS))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_model_answers_as_when_it_was_logged(path: Path) -> None:
    with np.load(path.with_name(ANSWERS)) as answers:
        images, probabilities, why = (
            answers[name] for name in ("images", f"{path.stem}_probabilities", f"{path.stem}_why")
        )
    readings = DigitModel.load(path).read(images)
    assert np.allclose(readings.probabilities, probabilities, atol=1e-4)
    assert readings.why.tolist() == why.tolist()
