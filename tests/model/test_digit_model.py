"""The one model contract, on models as MLflow stores and serves them."""

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

from benchmarks.serving import served
from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.jobs.ensemble import combine
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent
from tests.algorithms.test_algorithms import SMALL
from tests.conftest import python, use_store
from tests.model.test_images import FORMS, REFUSED

COLUMNS = ["digit", "confidence", *(f"p{digit}" for digit in range(10))]
ONLY_FOR_TRAINING = ("sklearnex", "filelock", "matplotlib", "optuna", "pooch", "tabulate")
LIBRARIES = {
    "cnn": {"tensorflow"},
    "mlp": {"tensorflow"},
    "xgboost": {"xgboost"},
    "ensemble": {"tensorflow", "xgboost"},
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
        outcome = combine("digits", 0, len(algorithm_names()), silent)
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
for name, uri in {uris}.items():
    mlflow.pyfunc.load_model(uri).predict(images).to_json(name + ".json")
import mnist_mlflow
print(mnist_mlflow.__file__)
"""


LIGHT = [name for name in algorithm_names() if name not in LIBRARIES]  # these need but scikit-learn


@pytest.mark.parametrize("names", [LIGHT, *([name] for name in LIBRARIES)], ids=",".join)
def test_loads_in_a_fresh_process_in_another_folder(
    folder: Path, names: list[str], digits: Dataset, tmp_path: Path
) -> None:
    uris = {name: (folder / f"{name}.txt").read_text() for name in names}
    np.save(tmp_path / "images.npy", digits.test.images)
    absent = {*ONLY_FOR_TRAINING, "tensorflow", "xgboost"} - LIBRARIES.get(names[0], set())
    store = f"sqlite:///{folder}/mlflow.db"
    printed = python(FRESH.format(absent=absent, uris=uris), tmp_path, MLFLOW_TRACKING_URI=store)
    assert "artifacts/code/mnist_mlflow" in Path(printed.strip()).as_posix()
    for name, uri in uris.items():
        fresh = pd.read_json(tmp_path / f"{name}.json")
        here = mlflow.pyfunc.load_model(uri).predict(digits.test.images)
        assert list(fresh.columns) == COLUMNS
        assert np.array_equal(fresh["digit"], here["digit"])
        assert np.allclose(fresh, here, atol=1e-5)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return mlflow.pyfunc.load_model((folder / "svm.txt").read_text())


def test_the_prediction_is_consistent(model: Any, digits: Dataset) -> None:
    predictions = model.predict(digits.test.images)
    probabilities = predictions[COLUMNS[2:]].to_numpy()
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


def test_says_what_it_needs_and_where_it_comes_from(folder: Path) -> None:
    uri = (folder / "knn.txt").read_text()
    requirements = Path(mlflow.pyfunc.get_model_dependencies(uri)).read_text()
    assert "scikit-learn==" in requirements
    assert "tensorflow" not in requirements
    info = mlflow.models.get_model_info(uri)
    assert [column.name for column in info.signature.outputs.inputs] == COLUMNS
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.tags["algorithm"] == "knn"
    assert {metric.key for metric in logged.metrics} >= {"val_accuracy", "val_log_loss"}


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where `mlflow models serve` answers for one model."""
    with served(f"sqlite:///{folder}/mlflow.db", (folder / "svm.txt").read_text()) as address:
        yield f"{address}/invocations"


SAMPLE = FORMS["uint8 (n, 28, 28)"]
FLAT = pd.DataFrame(FORMS["uint8 (n, 784)"])
JSON = "application/json"

REQUESTS = {
    "inputs": (JSON, json.dumps({"inputs": SAMPLE.tolist()})),
    "inputs, flat floats": (JSON, json.dumps({"inputs": (SAMPLE.reshape(-1, 784) / 255).tolist()})),
    "instances": (JSON, json.dumps({"instances": SAMPLE.tolist()})),
    "dataframe_split": (JSON, json.dumps({"dataframe_split": FLAT.to_dict("split")})),
    "dataframe_records": (JSON, json.dumps({"dataframe_records": FLAT.to_dict("records")})),
    "csv": ("text/csv", FLAT.to_csv(index=False)),
}


@pytest.mark.parametrize("form", REQUESTS)
def test_a_server_answers_every_form_like_predict(address: str, model: Any, form: str) -> None:
    kind, body = REQUESTS[form]
    answer = requests.post(address, data=body, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == 200, answer.text
    predictions = pd.DataFrame(answer.json()["predictions"])
    expected = model.predict(SAMPLE)
    assert list(predictions.columns) == COLUMNS
    assert np.array_equal(predictions["digit"], expected["digit"])
    assert np.allclose(predictions, expected, atol=1e-9)


def test_a_server_says_what_was_wrong(address: str) -> None:
    body = json.dumps({"inputs": SAMPLE[:, :27].tolist()})
    answer = requests.post(address, data=body, headers={"Content-Type": JSON}, timeout=30)
    assert 400 <= answer.status_code < 600
    assert "shape (5, 27, 28); accepted are" in answer.text
