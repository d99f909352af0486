import re
from pathlib import Path

import mlflow
import pytest
from mlflow.models import Model

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.tracking import models
from mnist_mlflow.tracking.readers import load_reader, run_facts
from tests.readers import mean_images, save_logged
from tests.simulated import add_run


@pytest.fixture
def logged(digits: Dataset, tmp_path: Path) -> Path:
    return save_logged(mean_images(digits), tmp_path)


def test_a_model_in_a_folder_reads_pictures_and_needs_no_store(
    logged: Path, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none/mlflow.db")
    reader = load_reader(str(logged), "mnist-digits")
    images = digits.validation.images[:20]
    readings = reader.digits.read(images)
    assert readings.images.shape == (20, 28, 28)
    assert list(readings.to_frame()["digit"]) == list(reader.pyfunc.predict(images)["digit"])
    assert not (tmp_path / "none").exists()


def test_an_alias_stands_for_the_version_that_has_it(logged: Path, store: mlflow.MlflowClient) -> None:
    store.create_registered_model("ada")
    for _ in range(2):
        version = store.create_model_version("ada", str(logged))
    store.set_registered_model_alias("ada", "champion", "1")
    assert load_reader("champion", "ada").name == "Version 1 of ada"
    assert load_reader("models:/ada/2", "ada").name == "models:/ada/2"
    store.set_registered_model_alias("ada", "champion", version.version)
    assert load_reader("champion", "ada").name == "Version 2 of ada"


def test_without_a_champion_the_command_that_makes_one_is_told(store: mlflow.MlflowClient) -> None:
    expected = "There is no champion of ada yet. Train and choose one: mlflow run . --env-manager local"
    with pytest.raises(UserFacingError, match=re.escape(f"{expected} -P registered_model=ada")):
        load_reader("champion", "ada")


def test_a_name_that_is_no_model_is_answered_with_those_that_are_accepted(store: mlflow.MlflowClient) -> None:
    with pytest.raises(UsageError, match=r"There is no model best\. Accepted: .*champion.*runs:/RUN/knn, or"):
        load_reader("best", "ada")


def test_a_model_of_an_unknown_format_is_refused(logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Foreign:
        def __init__(self, *arguments: object) -> None: ...

    monkeypatch.setattr(models, "ForeignModel", Foreign)
    about = Model.load(str(logged))
    about.flavors["python_function"]["code"] = "code"
    about.metadata = {"code_digest": "of last month"}
    about.save(str(logged / "MLmodel"))
    words = (
        r"has a format that today's code does not know.* model=runs:/RUN/knn, or train: mlflow run \. .* -P needed=1$"
    )
    with pytest.raises(UserFacingError, match=words):
        load_reader(str(logged), "mnist-digits")


def test_a_model_of_other_code_is_read_by_its_format(logged: Path, digits: Dataset) -> None:
    about = Model.load(str(logged))
    about.flavors["python_function"]["code"] = "code"
    about.metadata = {"code_digest": "of last month", "format": 3}
    about.save(str(logged / "MLmodel"))
    readings = load_reader(str(logged), "mnist-digits").digits.read(digits.validation.images[:20])
    assert readings.images.shape == (20, 28, 28)


def test_a_model_of_another_project_is_refused(tmp_path: Path) -> None:
    class Seven(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: object, model_input: list[str], params: object = None) -> list[str]:
            return ["7"]

    mlflow.pyfunc.save_model(tmp_path / "seven", python_model=Seven(), pip_requirements=["numpy"])
    with pytest.raises(UserFacingError, match="is no model of this project"):
        load_reader(str(tmp_path / "seven"), "mnist-digits")


def test_what_the_store_knows_of_the_run_of_a_model_is_told(logged: Path, store: mlflow.MlflowClient) -> None:
    reader = load_reader(str(logged), "mnist-digits")
    assert run_facts(reader) == {}
    about = Model.load(str(logged))
    about.run_id = add_run(store, 0.99, algorithm="svm", dataset="digits")
    store.set_tag(about.run_id, "mlflow.source.git.commit", "abc")
    about.save(str(logged / "MLmodel"))
    facts = run_facts(load_reader(str(logged), "mnist-digits"))
    assert (
        facts.items() >= {"algorithm": "svm", "dataset": "digits", "git_commit": "abc", "val_accuracy": "0.99"}.items()
    )
    about.run_id = "0" * 32
    about.save(str(logged / "MLmodel"))
    assert run_facts(load_reader(str(logged), "mnist-digits")) == {}
