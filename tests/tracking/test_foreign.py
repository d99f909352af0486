import shutil
import subprocess
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.models import Model

from mnist_mlflow.errors import MissingLibraryError, UserFacingError
from mnist_mlflow.evaluation.latency import ms_per_image
from mnist_mlflow.tracking import foreign
from mnist_mlflow.tracking.foreign import ForeignModel
from mnist_mlflow.tracking.models import load_model
from mnist_mlflow.tracking.travelling import DIGEST, FORM, PACKAGE, code_digest, is_known

LOADER = """
import pandas as pd
from mnist_mlflow.errors import GREETING

class Model:
    def predict(self, images):
        print("libraries print")
        if not images.any():
            raise ValueError("nothing is on them\\nat all")
        share = {f"p{digit}": [float(digit == 7)] * len(images) for digit in range(10)}
        return pd.DataFrame({"digit": 7, "confidence": 1.0, **share})

def _load_pyfunc(path):
    assert GREETING == "of last month"
    return Model()
"""
IMAGES = np.ones((3, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of last month: its loader, and what it imports, is not there any more; it always reads a seven."""
    folder = tmp_path_factory.mktemp("old")
    package = folder / "source" / PACKAGE.name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "errors.py").write_text('GREETING = "of last month"')
    (package / "digits.py").write_text(LOADER)
    (folder / "data").mkdir()
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        loader_module=f"{PACKAGE.name}.digits",
        data_path=str(folder / "data"),
        code_paths=[str(package)],
        pip_requirements=[],
    )
    return folder / "model"


@pytest.fixture
def asked(old: Path) -> ForeignModel:
    model = load_model(str(old))
    assert isinstance(model, ForeignModel)
    return model


def test_a_model_is_foreign_where_neither_its_code_nor_its_format_is_known(old: Path) -> None:
    about = Model.load(str(old))
    assert not is_known(about)
    for metadata in ({DIGEST: code_digest()}, {DIGEST: "other", FORM: 3}):
        about.metadata = metadata
        assert is_known(about)
    about.metadata = {DIGEST: "other", FORM: 2}
    assert not is_known(about)
    assert is_known(Model(flavors={"python_function": {"code": None}}))


def test_a_foreign_model_is_asked_by_its_own_code_again_and_again(asked: ForeignModel) -> None:
    for images in (IMAGES, IMAGES[:2]):
        assert asked(images).argmax(axis=1).tolist() == [7] * len(images)
    assert ms_per_image({"old": asked}, IMAGES)["old"] > 0


def test_what_it_raises_is_told_and_its_process_ends_with_it(old: Path) -> None:
    model = load_model(str(old))
    assert isinstance(model, ForeignModel)
    process: subprocess.Popen[str] = model._process
    with pytest.raises(UserFacingError, match=rf"The model {old} cannot be asked by the code .* nothing is on them$"):
        model(np.zeros_like(IMAGES))
    with pytest.raises(UserFacingError, match="its process has ended"):
        model(IMAGES)
    del model
    assert process.returncode == 0


def test_a_foreign_model_that_lacks_a_library_is_told_apart_from_a_broken_one(old: Path, tmp_path: Path) -> None:
    package = tmp_path / "code" / PACKAGE.name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "MLmodel").write_text((old / "MLmodel").read_text())
    for code, kind in (("import nowhere_to_be_found", MissingLibraryError), ("1 / 0", UserFacingError)):
        (package / "digits.py").write_text(code)
        with pytest.raises(UserFacingError, match=r"nowhere_to_be_found|ZeroDivisionError") as raised:
            load_model(str(tmp_path))
        assert type(raised.value) is kind


def test_a_foreign_model_that_does_not_answer_is_given_up(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(old, tmp_path / "model")
    (tmp_path / "model" / "code" / PACKAGE.name / "digits.py").write_text("import time; time.sleep(100)")
    monkeypatch.setattr(foreign, "LIMIT", 0.5)
    with pytest.raises(UserFacingError, match="its process has ended"):
        load_model(str(tmp_path / "model"))
