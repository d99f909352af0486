import base64
import io
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.forms import as_pictures
from mnist_mlflow.types import Picture
from tests.model.test_decoding import PNG, encoded

SAMPLE = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
FLAT = SAMPLE.reshape(5, 784)

INK = SAMPLE > 9
FIRST = SAMPLE[0, :, :27]
ORDER = np.random.default_rng(1).permutation(784)
TEXTS = [base64.b64encode(encoded(image, "PNG")).decode() for image in SAMPLE]
COLUMNS = {
    "0 to 783": [str(pixel) for pixel in range(784)],
    "pixel0 to pixel783": [f"pixel{pixel}" for pixel in range(784)],
    "pixel1 to pixel784": [f"pixel{pixel}" for pixel in range(1, 785)],
    "1x1 to 28x28": [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)],
}


def shuffled(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(FLAT, columns=names).iloc[:, ORDER]


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


FORMS = {  # of SAMPLE
    "uint8 (n, 28, 28)": SAMPLE,
    "uint8 (n, 784)": FLAT,
    "int64": SAMPLE.astype(np.int64),
    "float 0-1": SAMPLE / 255,
    "float32 0-1": (SAMPLE / 255).astype(np.float32),
    "float 0-255": SAMPLE.astype(np.float64),
    "a channel behind": SAMPLE[..., None],
    "a channel in front": SAMPLE[:, None],
    "flat with a channel": FLAT[..., None],
    "lists": SAMPLE.tolist(),
    "flat lists": FLAT.tolist(),
    "lists of floats": (SAMPLE / 255).tolist(),
    "list of arrays": list(SAMPLE),
    "DataFrame": pd.DataFrame(FLAT),
    "DataFrame of floats": pd.DataFrame(FLAT / 255),
    "DataFrame of objects": pd.DataFrame(FLAT).astype(object),
    "DataFrame with other names": pd.DataFrame(FLAT).add_prefix("column "),
    **{f"columns {form} in any order": shuffled(names) for form, names in COLUMNS.items()},
    "encoded pictures": [encoded(image, "PNG") for image in SAMPLE],
    "a column image of bytes": pd.DataFrame({"image": [encoded(image, "BMP") for image in SAMPLE]}),
    "a column image of base64": pd.DataFrame({"image": TEXTS}),
    "a column image of addresses of data": pd.DataFrame({"image": [f"data:image/png;base64,{text}" for text in TEXTS]}),
    "a column image of arrays": pd.DataFrame({"image": list(SAMPLE)}),
    "a column image of lists": pd.DataFrame({"image": SAMPLE.tolist()}),
    "columns": {"image": np.array(TEXTS)},
    "a Series of arrays": pd.Series(list(SAMPLE)),
    "a Series of bytes": pd.Series([encoded(image, "PNG") for image in SAMPLE]),
    "a file of np.save": {"npy": saved(SAMPLE)},
    "a file of np.save in base64": {"npy": base64.b64encode(saved(SAMPLE)).decode()},
    "a file of np.save, by columns": {"npy": saved(np.asfortranarray(FLAT / 255))},
    "rows": [{"image": np.array(text)} for text in TEXTS],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_accepted_form_is_the_same_images(form: str) -> None:
    images = np.asarray(as_pictures(FORMS[form]))
    assert images.dtype == np.uint8
    assert np.array_equal(images, SAMPLE)


ONES = {  # of INK
    "booleans": INK,
    "integers 0 and 1": INK.astype(int),
    "uint8 0 and 1": INK.astype(np.uint8),
    "floats 0 and 1": INK.astype(float),
    "lists of booleans": INK.tolist(),
    "DataFrame of booleans": pd.DataFrame(INK.reshape(5, 784)),
}


@pytest.mark.parametrize("form", ONES)
def test_what_is_all_within_0_and_1_is_ink_or_not(form: str) -> None:
    assert np.array_equal(as_pictures(ONES[form]), INK * np.uint8(255))


COLOURED = np.random.default_rng(2).integers(0, 256, (2, 40, 30, 4)).astype(np.uint8)
PICTURES: dict[str, tuple[Any, list[Picture]]] = {
    "sizes that differ": ([SAMPLE[0], FIRST, COLOURED[0]], [SAMPLE[0], FIRST, COLOURED[0]]),
    "sizes that differ, as lists": ([SAMPLE[0].tolist(), FIRST.tolist()], [SAMPLE[0], FIRST]),
    "sizes that differ, 0-1": ([SAMPLE[0] / 255, FIRST / 255], [SAMPLE[0], FIRST]),
    "sizes that differ, channels in front": ([COLOURED[0].transpose(2, 0, 1), FIRST[None]], [COLOURED[0], FIRST]),
    "grey of another size": (SAMPLE[:, :27], list(SAMPLE[:, :27])),
    "colours": (COLOURED[..., :3], list(COLOURED[..., :3])),
    "alpha": (COLOURED, list(COLOURED)),
    "channels in front": (COLOURED.transpose(0, 3, 1, 2), list(COLOURED)),
    "colours of 28 x 28": (COLOURED[:, :28, :28], list(COLOURED[:, :28, :28])),
    "encoded": ([encoded(COLOURED[0], "PNG"), encoded(FIRST, "PNG")], [COLOURED[0], FIRST]),
    "a column image": (pd.DataFrame({"image": [FIRST, COLOURED[1]]}), [FIRST, COLOURED[1]]),
    "an array of arrays": (np.array([FIRST, COLOURED[1], None], object)[:2], [FIRST, COLOURED[1]]),
}


@pytest.mark.parametrize("form", PICTURES)
def test_pictures_of_any_size_come_as_they_are(form: str) -> None:
    data, expected = PICTURES[form]
    pictures = as_pictures(data)
    assert len(pictures) == len(expected)
    for picture, one in zip(pictures, expected, strict=True):
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, one)


def test_a_large_file_is_kept_in_so_few_pixels_as_are_worked_on() -> None:
    picture = cv2.line(np.full((900, 1_500, 3), 255, np.uint8), (800, 200), (700, 700), (120, 30, 10), 60)
    (kept,) = as_pictures([encoded(picture, "PNG")])
    assert kept.shape == (269, 448, 3)
    both = canonical_digits([kept, picture])
    assert np.array_equal(*both.images)
    assert both.images.any()


def spoilt(value: float) -> np.ndarray:
    images = SAMPLE.astype(np.float64)
    images[3, 2, 1] = value
    return images


REFUSED = {
    "NaN": (spoilt(np.nan), "NaN .first in image 3"),
    "five axes": (SAMPLE[None, ..., None], r"shape \(1, 5, 28, 28, 1\)"),
    "two channels": (np.stack([SAMPLE] * 2, axis=3), r"shape \(5, 28, 28, 2\)"),
    "no pixels": (SAMPLE[:, :0], r"shape \(5, 0, 28\)"),
    "a column too many": (pd.DataFrame(np.zeros((5, 785))), r"shape \(5, 785\)"),
    "a picture in colours": (COLOURED[0], r"shape \(40, 30, 4\).*images\[None\]"),
    "columns that number no pixels": (pd.DataFrame(FLAT).add_prefix("pixel 7"), "columns do not number the pixels"),
    "a picture among files": ([PNG, SAMPLE[0]], "Image 1 is no file as others are, but of type ndarray"),
    "nothing in a column of files": (pd.DataFrame({"image": [PNG, None]}), "Image 1 is no file .*NoneType"),
    "one file": (PNG, r"no batch, but of type bytes .one picture is a batch of one: \[picture\]"),
    "text of a picture": (["seven"], "Image 0 is text, but not the base64"),
    "-1": (spoilt(-1), "values below 0 .first in image 3: -1"),
    "256": (spoilt(256), "values above 255 .first in image 3: 256"),
    "infinity": (spoilt(np.inf), "values above 255 .first in image 3: inf"),
    "an integer above 255": (SAMPLE.astype(np.int64) + 300, "values above 255"),
    "an empty batch": (SAMPLE[:0], "no images in the batch"),
    "an empty list": ([], "no images in the batch"),
    "a number": (7, "no batch, but of type int"),
    "one image": (SAMPLE[0], r"shape \(28, 28\).*images\[None\]"),
    "one flat image": (FLAT[0], r"shape \(784,\).*images\[None\]"),
    "text": ([["a"] * 784], "hold <U1 values"),
    "text in a DataFrame": (pd.DataFrame([["a"] * 784]), "not one block of numbers"),
    "ragged lists": ([[1, 2], [3]], "not one block of numbers"),
    "a dict": ({"images": FLAT}, r"a dict with the keys \['images'\]"),
    "an array of objects": ({"npy": saved(np.array([None, 7]))}, r"npy: .* no array of numbers by np\.save"),
    "text that is no base64": ({"npy": "seven"}, "npy is text, but not the base64"),
    "a list of files of np.save": ({"npy": [saved(SAMPLE)]}, "npy is no content of a file, but of type list"),
    "an image in npy": ({"npy": saved(SAMPLE[0])}, r"shape \(28, 28\)"),
    "None": (None, "no batch, but of type NoneType"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_everything_else_is_refused_with_what_is_accepted(form: str) -> None:
    data, reason = REFUSED[form]
    with pytest.raises(ImageError, match=f"{reason}.*accepted are arrays, lists or DataFrames of shape") as caught:
        as_pictures(data)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["label", "class", "Label"])
def test_labels_are_not_taken_for_pixels(name: str) -> None:
    table = pd.DataFrame(FLAT)
    table.insert(0, name, 7)
    with pytest.raises(ImageError, match=rf"column '{name}' holds no pixels; type images.drop\(columns=\['{name}'\]\)"):
        as_pictures(table)


def test_a_picture_that_cannot_be_read_is_named_by_its_place() -> None:
    with pytest.raises(ImageError, match=r"Image 1: The picture cannot be read .*accepted are PNG, JPEG"):
        as_pictures([PNG, PNG[:-40]])
