import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.canonical import as_images, centre_by_mass

SAMPLE = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
FLAT = SAMPLE.reshape(5, 784)

FORMS = {
    "uint8 (n, 28, 28)": SAMPLE,
    "uint8 (n, 784)": FLAT,
    "int64": SAMPLE.astype(np.int64),
    "float 0-1": SAMPLE / 255,
    "float32 0-1": (SAMPLE / 255).astype(np.float32),
    "float 0-255": SAMPLE.astype(np.float64),
    "lists": SAMPLE.tolist(),
    "flat lists": FLAT.tolist(),
    "lists of floats": (SAMPLE / 255).tolist(),
    "list of arrays": list(SAMPLE),
    "DataFrame": pd.DataFrame(FLAT),
    "DataFrame of floats": pd.DataFrame(FLAT / 255),
    "DataFrame of objects": pd.DataFrame(FLAT).astype(object),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_accepted_form_is_the_same_images(form: str) -> None:
    images = as_images(FORMS[form])
    assert images.dtype == np.uint8
    assert np.array_equal(images, SAMPLE)


def test_integers_are_0_to_255_even_when_all_are_dark() -> None:
    assert as_images(np.ones((1, 28, 28), np.int64)).max() == 1
    assert as_images(np.ones((1, 28, 28))).max() == 255


def spoilt(value: float) -> np.ndarray:
    images = SAMPLE.astype(np.float64)
    images[3, 2, 1] = value
    return images


REFUSED = {
    "NaN": (spoilt(np.nan), "NaN .first in image 3"),
    "27 x 28": (SAMPLE[:, :27], r"shape \(5, 27, 28\)"),
    "-1": (spoilt(-1), "values below 0 .first in image 3: -1"),
    "256": (spoilt(256), "values above 255 .first in image 3: 256"),
    "infinity": (spoilt(np.inf), "values above 255 .first in image 3: inf"),
    "an integer above 255": (SAMPLE.astype(np.int64) + 300, "values above 255"),
    "an empty batch": (SAMPLE[:0], "no images in the batch"),
    "an empty list": ([], "no images in the batch"),
    "a number": (7, "no images in the batch"),
    "one image": (SAMPLE[0], r"shape \(28, 28\).*images\[None\]"),
    "one flat image": (FLAT[0], r"shape \(784,\).*images\[None\]"),
    "a channel axis": (SAMPLE[..., None], r"shape \(5, 28, 28, 1\)"),
    "booleans": (SAMPLE > 9, "hold bool values"),
    "text": ([["a"] * 784], "hold <U1 values"),
    "text in a DataFrame": (pd.DataFrame([["a"] * 784]), "not one block of numbers"),
    "ragged lists": ([[1, 2], [3]], "not one block of numbers"),
    "a dict": ({"images": FLAT}, r"a dict with the keys \['images'\]"),
    "None": (None, "not one block of numbers|no images"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_everything_else_is_refused_with_what_is_accepted(form: str) -> None:
    data, reason = REFUSED[form]
    with pytest.raises(ImageError, match=f"{reason}.*accepted are arrays, lists or DataFrames of shape") as caught:
        as_images(data)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (8, 8), (60, 60)])
def test_ink_is_scaled_into_the_box_and_centred(shape: tuple[int, int]) -> None:
    canvas = np.zeros((80, 80), np.uint8)
    canvas[3 : 3 + shape[0], 7 : 7 + shape[1]] = 255
    image = centre_by_mass(canvas)
    rows, columns = np.flatnonzero((image > 127).any(axis=1)), np.flatnonzero((image > 127).any(axis=0))
    assert max(len(rows), len(columns)) == 20
    assert (rows[0] + rows[-1], columns[0] + columns[-1]) == (27, 27)


def test_an_image_without_ink_stays_blank() -> None:
    assert not centre_by_mass(np.zeros((28, 28), np.uint8)).any()
