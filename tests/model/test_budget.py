import io

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.errors import TooMuchWorkError
from mnist_mlflow.model.budget import at_most
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.forms import as_pictures

FILE = io.BytesIO()
Image.new("L", (30, 20)).save(FILE, "PNG")
FILES = [FILE.getvalue()] * 3
NOISE = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)


def test_pixels_are_counted_over_all_files_within() -> None:
    with at_most(1_799, 60), pytest.raises(TooMuchWorkError, match=r"^Image 2: The pictures have more than 0\.001799 "):
        as_pictures(FILES)
    with at_most(1_800, 60):
        assert len(as_pictures(FILES)) == 3


def test_time_is_up_for_pictures_that_need_work() -> None:
    with at_most(1, 0), pytest.raises(TooMuchWorkError, match="take more than 0 seconds together"):
        canonical_digits(NOISE)


def test_without_a_budget_and_after_one_nothing_is_bounded() -> None:
    with at_most(0, 0):
        pass
    assert len(as_pictures(FILES)) == 3
    assert len(canonical_digits(NOISE).images) == 2
