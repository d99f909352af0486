import io

import numpy as np
import pytest
from PIL import Image

from mnist_mlflow.data.pages.finding import FoundDigit, find_digits
from mnist_mlflow.model.readings import NO_DIGIT, Readings
from mnist_mlflow.reports import framed as framed_module
from mnist_mlflow.reports.framed import DOUBTFUL, EDGE, HEAD, SURE, framed
from tests.pages import page


def drawn(picture: np.ndarray, digits: list[FoundDigit], why: list[str]) -> np.ndarray:
    """The picture with frames, of readings whose canonical digits are white squares."""
    images = np.zeros((len(digits), 28, 28), np.uint8)
    images[:, 8:20, 8:20] = 255
    probabilities = np.full((len(digits), 10), 0.1)
    readings = Readings(images, np.ones(len(digits), bool), probabilities, np.array(why, object))
    png = framed(picture, digits, readings, "a.png", ["12"])
    return np.asarray(Image.open(io.BytesIO(png)))


def count(image: np.ndarray, colour: str) -> int:
    return int((image == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2).sum())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sure_and_doubtful_digits_have_frames_of_other_colours_and_shapes(channels: int) -> None:
    sheet = page(["12"], apart=80)
    picture = sheet if channels == 1 else np.dstack([sheet] * 3 + [np.full_like(sheet, 255)] * (channels - 3))
    digits = find_digits(picture)
    both = drawn(picture, digits, ["", NO_DIGIT])
    sure, doubtful = drawn(picture, digits, ["", ""]), drawn(picture, digits, [NO_DIGIT, NO_DIGIT])
    assert count(both, SURE) > 100
    assert count(both, DOUBTFUL) > 100
    assert count(sure, DOUBTFUL) < 200  # the legend
    assert count(sure, SURE) > 1.2 * count(doubtful, DOUBTFUL)  # broken frames have gaps, but tags say "?"


def test_a_frame_is_around_its_digit_and_what_the_model_saw_is_beside_the_page() -> None:
    sheet = page(["12"], apart=80)
    digits = find_digits(sheet)
    image = drawn(sheet, digits, ["", ""])
    scale = 700 / max(sheet.shape)
    x, y, w, h = (round(side * scale) for side in digits[0].box)
    colour = [int(SURE[i : i + 2], 16) for i in (1, 3, 5)]
    assert (image[HEAD + y + h + 4, EDGE + x : EDGE + x + w] == colour).all()
    beside = image[HEAD:, EDGE + round(sheet.shape[1] * scale) :]
    assert (beside == 255).all(axis=2).sum() > 2 * 24 * 24 - 10


def test_of_very_many_digits_the_first_are_shown_beside_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = page(["1234567890"])
    digits = find_digits(sheet)
    full = drawn(sheet, digits, [""] * 10)
    monkeypatch.setattr(framed_module, "MOST_TILES", 3)
    some = drawn(sheet, digits, [""] * 10)
    assert count(some, SURE) < count(full, SURE)


def test_a_narrow_page_and_a_wide_one_can_be_drawn() -> None:
    for shape in ((3000, 30), (30, 3000), (28, 28)):
        one = FoundDigit(1, 1, (0, 0, shape[1], shape[0]), np.zeros((28, 28), np.uint8))
        assert drawn(np.full(shape, 200, np.uint8), [one], [""]).ndim == 3
