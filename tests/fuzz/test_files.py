"""Files: IDX, gzipped or not, parcels and models."""

import gzip
import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlflow.data.idx import decompress, parse_idx
from mnist_mlflow.errors import DataError, UserFacingError
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.processes import is_gone, process_here, read_owner
from mnist_mlflow.tracking.parcels import CONTENTS, Contents, Parcel
from mnist_mlflow.tracking.results import DataKey
from tests.fuzz.strategies import idx_files, json_values
from tests.scorers import linear


@given(raw=st.binary(max_size=100) | idx_files())
def test_idx_files(raw: bytes, bounded: Callable[[], AbstractContextManager[None]]) -> None:
    with bounded(), suppress(DataError):
        content = decompress(raw, "file")
        array = parse_idx(content, "file")
        assert array.dtype == np.uint8
        assert array.size == len(content) - 4 - 4 * array.ndim


def test_a_gzip_file_that_grows_without_end(bounded: Callable[[], AbstractContextManager[None]]) -> None:
    raw = gzip.compress(bytes(1_000_000)) * 400
    with bounded(), pytest.raises(DataError, match="holds more than 50,000,000 bytes"):
        decompress(raw, "file")


CONTENTS_OF_ONE = Contents(
    "run", "knn", {"a": "1"}, {"b": "2"}, {}, {"val_accuracy": 0.5}, DataKey("name", "digest"), ["numpy==2"]
)


def parcel() -> dict[str, Any]:
    return {"contents": {**vars(CONTENTS_OF_ONE), "data": ["name", "digest"]}, "owner": None, "store": "sqlite://"}


@st.composite
def spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A description in JSON in which a value is another one or missing, or anything else."""
    if draw(st.booleans()):
        return draw(json_values)
    key = draw(st.sampled_from(list(whole)))
    inside = whole[key]
    if isinstance(inside, dict) and draw(st.booleans()):
        return {**whole, key: draw(spoilt(inside))} if inside else whole
    if draw(st.booleans()):
        return {name: value for name, value in whole.items() if name != key}
    return {**whole, key: draw(json_values)}


TEXTS = st.text(max_size=20) | st.just("[" * 100_000)


@given(text=TEXTS | spoilt(parcel()).map(json.dumps))
def test_parcels(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / CONTENTS).write_text(text, encoding="utf-8", errors="replace")
        with suppress(UserFacingError):
            read = Parcel.read(Path(folder))
            assert isinstance(read.contents.metrics, dict)
            assert isinstance(read.contents.run_id, str)
            assert read.is_being_sent in (True, False)


MODEL = {"format": 3, "features": "pixels", "scorer": "graph", "temperature": 1.0}


@given(text=TEXTS | spoilt(MODEL).map(json.dumps), graph=st.binary(max_size=50) | st.none())
def test_models(text: str, graph: bytes | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        linear(np.zeros((10, 784)), np.zeros(10)).save(Path(folder))
        if graph is not None:
            (Path(folder) / "scorer.onnx").write_bytes(graph)
        (Path(folder) / "model.json").write_text(text, encoding="utf-8", errors="replace")
        with suppress(UserFacingError):
            model = DigitModel.load(Path(folder))
            assert len(model.predict(np.zeros((1, 28, 28), np.uint8))) == 1


@given(owner=spoilt({**process_here(1), "born": 1.0}))
def test_owners(owner: Any) -> None:
    assert is_gone(read_owner(json.dumps(owner))) in (True, False)
