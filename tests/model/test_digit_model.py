"""The one model contract, on models as MLflow stores and serves them."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests

from benchmarks.tasks.serving import running
from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.jobs import ensemble
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.models import EVERY_MODEL_NEEDS
from mnist_mlflow.types import silent
from tests.conftest import python, use_store
from tests.model.test_decoding import PNG
from tests.model.test_forms import FORMS, ONES, PICTURES, REFUSED

SHARES = [f"p{digit}" for digit in range(10)]
COLUMNS = ["digit", "confidence", *SHARES, "sure", "why", "second", "inverted"]
NUMBERS = ["digit", "confidence", *SHARES, "second"]
# Installed beside this project, but not needed by a model. MLflow itself imports click and SQLAlchemy.
ABSENT = {"filelock", "jinja2", "matplotlib", "optuna", "plotly", "pooch", "psutil", "rich", "tabulate"}
ABSENT |= {"keras", "onnx", "sklearn", "tensorflow", "tf2onnx", "xgboost"}  # which learn, or write
SMALL: dict[str, dict[str, Any]] = {
    "cnn": {"epochs": 2, "filters": 4},
    "mlp": {"epochs": 2, "units": 32},
    "forest": {"n_estimators": 20},
    "xgboost": {"rounds": 20},
}


@pytest.fixture(scope="module")
def folder(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with a run of each algorithm."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        use_store(Path(shutil.copy(new_store, folder)), patch)
        for name in algorithm_names():
            outcome = train(Task(name, SMALL.get(name, {}), DataOptions("digits", train_size=500)), silent)
            (folder / f"{name}.txt").write_text(f"models:/{outcome.model_id}")
        outcome = ensemble.run(ensemble.Params("digits", members=len(algorithm_names())), silent)
        (folder / "ensemble.txt").write_text(f"models:/{outcome.model_id}")
        yield folder
    mlflow.set_tracking_uri(None)


FRESH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import mlflow, numpy as np
images = np.load("images.npy")
for name, folder in {folders}.items():
    mlflow.pyfunc.load_model(folder).predict(images).to_json(name + ".json")
ours = {{name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "mnist_mlflow"}}
print(*(f"{{name}} {{file}}" for name, file in ours.items()), sep="\\n")
"""


def test_loads_where_nothing_but_the_model_is_installed(folder: Path, digits: Dataset, tmp_path: Path) -> None:
    """Its own code is all of this project that a fresh process in another folder imports; no library that learns."""
    uris = {name: (folder / f"{name}.txt").read_text() for name in (*algorithm_names(), "ensemble")}
    folders = {name: mlflow.get_logged_model(uri.split("/")[1]).artifact_location for name, uri in uris.items()}
    images = digits.test.images
    np.save(tmp_path / "images.npy", images)
    code = FRESH.format(absent=ABSENT, folders=folders)
    printed = python(code, tmp_path, PYTHONPATH="", PYTHONSAFEPATH="1")
    modules = dict(line.split() for line in printed.splitlines())
    assert all("artifacts/code/mnist_mlflow" in Path(file).as_posix() for file in modules.values())
    rooms = {name.split(".")[1] for name in modules if "." in name}
    assert rooms == {"errors", "model", "types"}
    for name, uri in uris.items():
        fresh = pd.read_json(tmp_path / f"{name}.json")
        here = mlflow.pyfunc.load_model(uri).predict(images)
        assert list(fresh.columns) == COLUMNS
        assert np.array_equal(fresh["digit"], here["digit"])
        assert np.allclose(fresh[NUMBERS], here[NUMBERS], atol=1e-5)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return mlflow.pyfunc.load_model((folder / "svm.txt").read_text())


def test_the_prediction_is_consistent(model: Any, digits: Dataset) -> None:
    predictions = model.predict(digits.test.images)
    probabilities = predictions[SHARES].to_numpy()
    assert np.array_equal(predictions["digit"], probabilities.argmax(axis=1))
    assert np.array_equal(predictions["confidence"], probabilities.max(axis=1))
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (predictions["digit"] == digits.test.labels).mean() > 0.93


@pytest.mark.parametrize("form", FORMS)
def test_takes_every_form_of_input(model: Any, form: str) -> None:
    expected = model.predict(FORMS["uint8 (n, 28, 28)"])
    assert model.predict(FORMS[form]).equals(expected)


@pytest.mark.parametrize("form", [form for form in REFUSED if form != "None"])
def test_refuses_all_else_with_a_message_of_its_own(model: Any, form: str) -> None:
    data, reason = REFUSED[form]
    with pytest.raises(ValueError, match=reason):
        model.predict(data)


def test_takes_the_error_that_is_allowed(model: Any, digits: Dataset) -> None:
    images = digits.validation.images
    few, some, all_ = (model.predict(images, params={"max_error": share})["sure"] for share in (0.001, 0.05, 1))
    assert not few.any()
    assert 0.5 < some.mean() < all_.mean()
    blank_and_noise = np.stack([np.zeros((28, 28), np.uint8), SAMPLE[0]])
    assert not model.predict(blank_and_noise, params={"max_error": 1})["sure"].any()  # whatever is allowed
    assert model.predict(images)["sure"].equals(few)  # as it was trained for


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_refuses_an_error_that_is_no_share(model: Any, share: float) -> None:
    with pytest.raises(ValueError, match=r"max_error=.* is no share; accepted: a number from 0 to 1, like 0\.01"):
        model.predict(SAMPLE, params={"max_error": share})


def test_says_what_it_needs_and_where_it_comes_from(folder: Path) -> None:
    uri = (folder / "cnn.txt").read_text()
    requirements = Path(mlflow.pyfunc.get_model_dependencies(uri)).read_text()
    names = {line.partition("==")[0] for line in requirements.splitlines()}
    assert names == {*EVERY_MODEL_NEEDS, "onnxruntime", "opencv-python-headless", "pillow"}
    info = mlflow.models.get_model_info(uri)
    assert [column.name for column in info.signature.outputs.inputs] == COLUMNS
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.tags["algorithm"] == "cnn"
    assert {metric.key for metric in logged.metrics} >= {"val_accuracy", "val_log_loss"}


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where `mlflow models serve` answers for one model."""
    with running("mlflow", f"sqlite:///{folder}/mlflow.db", (folder / "svm.txt").read_text()) as (address, _):
        yield f"{address}/invocations"


SAMPLE = FORMS["uint8 (n, 28, 28)"]
FLAT = pd.DataFrame(FORMS["uint8 (n, 784)"])
JSON = "application/json"
TAKEN: dict[str, Any] = {**FORMS, **ONES, **{form: data for form, (data, _) in PICTURES.items()}}


def request(data: Any) -> str:
    """A form of input as people send it; pictures whose sizes differ need a column."""
    if isinstance(data, pd.DataFrame):
        return to_json({"dataframe_split": data.to_dict("split")})
    if len({len(np.shape(picture)) and np.shape(picture) for picture in data}) > 1:
        return to_json({"dataframe_records": [{"image": picture} for picture in data]})
    return to_json({"inputs": data})


def to_json(content: Any) -> str:
    return json.dumps(
        content, default=lambda value: base64.b64encode(value).decode() if isinstance(value, bytes) else value.tolist()
    )


REQUESTS = {
    **{form: (JSON, request(data), data) for form, data in TAKEN.items()},
    "instances": (JSON, to_json({"instances": SAMPLE}), SAMPLE),
    "instances, encoded": (JSON, to_json({"instances": FORMS["rows"]}), SAMPLE),
    "dataframe_records": (JSON, to_json({"dataframe_records": FLAT.to_dict("records")}), SAMPLE),
    "csv": ("text/csv", FLAT.to_csv(index=False), SAMPLE),
    "csv, columns in any order": ("text/csv", FORMS["columns 1x1 to 28x28 in any order"].to_csv(index=False), SAMPLE),
}


@pytest.mark.parametrize("form", REQUESTS)
def test_a_server_answers_every_form_like_predict(address: str, model: Any, form: str) -> None:
    kind, body, data = REQUESTS[form]
    answer = requests.post(address, data=body, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == 200, answer.text
    predictions = pd.DataFrame(answer.json()["predictions"])
    expected = model.predict(data)
    assert list(predictions.columns) == COLUMNS
    assert np.array_equal(predictions["digit"], expected["digit"])
    assert np.allclose(predictions[NUMBERS], expected[NUMBERS], atol=1e-9)


def test_a_server_takes_the_error_that_is_allowed(address: str, model: Any) -> None:
    allowed = {"max_error": 0.05}
    answer = requests.post(address, json={"inputs": SAMPLE.tolist(), "params": allowed}, timeout=30)
    sure = [reading["sure"] for reading in answer.json()["predictions"]]
    assert sure == model.predict(SAMPLE, params=allowed)["sure"].tolist()
    refused = requests.post(address, json={"inputs": SAMPLE.tolist(), "params": {"max_error": 7}}, timeout=30)
    assert "max_error=7.0 is no share; accepted: a number from 0 to 1" in refused.text


WRONG = {
    "five axes": ({"inputs": SAMPLE[None, ..., None]}, "shape (1, 5, 28, 28, 1)"),
    "labels": ({"dataframe_split": FLAT.assign(label=7).to_dict("split")}, "column 'label' holds no pixels"),
    "text": ({"dataframe_records": [{"image": "seven"}]}, "Image 0 is text, but not the base64 of a picture"),
    "half a picture": ({"dataframe_records": [{"image": PNG[:-40]}]}, "Image 0: The picture cannot be read"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_server_says_what_was_wrong(address: str, mistake: str) -> None:
    content, reason = WRONG[mistake]
    answer = requests.post(address, data=to_json(content), headers={"Content-Type": JSON}, timeout=30)
    assert 400 <= answer.status_code < 600
    assert reason in answer.text


def test_a_blank_and_a_foreign_picture_get_a_row_like_any_other(model: Any) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (300, 200, 3)).astype(np.uint8)
    answers = model.predict([np.zeros((28, 28), np.uint8), np.full((9, 7), 200, np.uint8), noise, noise[:1, :1]])
    assert list(answers.columns) == COLUMNS
    assert len(answers) == 4
    assert answers["digit"].between(0, 9).all()
