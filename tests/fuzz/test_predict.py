"""Whatever is given to a model."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.types import PROBABILITY_COLUMNS
from tests.fuzz.strategies import anything, json_values
from tests.model.test_decoding import encoded
from tests.scorers import linear

DIMENSIONS = {"pixels": 784, "deskewed": 784, "hog": 432}
WEIGHTS = np.random.default_rng(0)
MODELS = [
    DigitModel(name, linear(WEIGHTS.normal(size=(10, size)), np.zeros(10)), 0.7) for name, size in DIMENSIONS.items()
]
SHAPES = st.sampled_from(
    [(1, 28, 28), (3, 28, 28), (2, 784), (28, 28), (784,), (0, 784), (0, 28, 28), (1, 28, 28, 1), ()]
)
USUAL = [np.dtype("uint8"), np.dtype("float32")]
HUGE = (10**400, -(10**400), 2**64, 256, -1, 1e308, float("nan"), float("inf"), None, "7", "x", b"7", 1j, True)


@st.composite
def images(draw: st.DrawFn) -> Any:
    """Arrays of any type in the shapes of images and in others, with values that may be images."""
    dtype: np.dtype[Any] = draw(
        st.one_of(arrays.scalar_dtypes(), st.sampled_from([np.dtype("uint8"), np.dtype("float32")]))
    )
    values = None
    if dtype.kind in "iuf" and draw(st.booleans()):
        top = 1 if dtype.kind == "f" or dtype.itemsize == 1 else 255
        values = st.integers(0, top)
    return draw(arrays.arrays(dtype, draw(SHAPES | arrays.array_shapes()), elements=values))


@st.composite
def mixed(draw: st.DrawFn) -> Any:
    """A row of pixels with a value in it that is none."""
    row: list[Any] = [0] * 784
    row[draw(st.integers(0, 783))] = draw(st.sampled_from(HUGE))
    kind: Any = draw(st.sampled_from([list, np.array, pd.DataFrame, tuple]))
    rows: Any = [row, row]
    return np.array(rows, dtype=object) if kind is np.array else kind(rows)


@st.composite
def pictures(draw: st.DrawFn) -> Any:
    """Pictures of small sizes, as arrays, as files that are whole or spoilt, or both, as a list or in a column."""
    sides = st.tuples(st.integers(1, 40), st.integers(1, 40))
    shapes = sides | st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4]))
    row: list[Any] = draw(
        st.lists(arrays.arrays(np.uint8, shapes, elements=st.sampled_from([0, 1, 90, 255])), min_size=1, max_size=3)
    )
    if draw(st.booleans()):
        files = [bytearray(encoded(picture.squeeze(), "PNG")) for picture in row if picture.squeeze().ndim > 1]
        for file in files:
            if draw(st.booleans()):
                file[draw(st.integers(0, len(file) - 1))] ^= draw(st.integers(1, 255))
        row = [bytes(file) for file in files]
    return pd.DataFrame({"image": row}) if draw(st.booleans()) else row


@given(
    model=st.sampled_from(MODELS),
    data=images()
    | images().map(lambda array: array.tolist())
    | mixed()
    | json_values
    | anything
    | st.binary()
    | pictures(),
)
def test_predict(model: DigitModel, data: Any) -> None:
    with suppress(ImageError):
        answers = model.predict(data)
        assert len(answers) == len(data) > 0
        assert answers["digit"].between(0, 9).all()
        assert answers[PROBABILITY_COLUMNS].sum(axis=1).to_numpy() == pytest.approx(1)
