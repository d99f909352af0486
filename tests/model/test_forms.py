import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.forms import as_pictures

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
    images = np.asarray(as_pictures(FORMS[form]))
    assert images.dtype == np.uint8
    assert np.array_equal(images, SAMPLE)


def test_integers_are_0_to_255_even_when_all_are_dark() -> None:
    assert np.max(as_pictures(np.ones((1, 28, 28), np.int64))) == 1
    assert np.max(as_pictures(np.ones((1, 28, 28)))) == 255


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
        as_pictures(data)
    assert isinstance(caught.value, ValueError)
