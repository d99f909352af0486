import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.export import Params, describe, run
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import IMAGES
from mnist_mlflow.model.scorers.vote import Vote
from mnist_mlflow.parameters import names_of
from mnist_mlflow.tracking.readers import FACTS, load_reader
from mnist_mlflow.types import silent
from tests.conftest import ROOT, python
from tests.exported import abstention, nearest_mean
from tests.readers import save_logged
from tests.simulated import Client

DOCUMENT = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
PROGRAM = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
ALONE = """import runpy, sys
runpy.run_path("ask.py")
print(sorted({"mnist_mlflow", "mlflow", "onnx", "cv2", "scipy", "pandas"} & set(sys.modules)))"""


@pytest.fixture(scope="module")
def vote(digits: Dataset) -> DigitModel:
    """An ensemble of two, which is sure of some digits."""
    members = [nearest_mean(digits, kind) for kind in ("pixels", "hog")]
    return DigitModel(IMAGES, Vote(members, [1.0, 2.0]), 0.5, abstention(digits, 0.2))


@pytest.fixture(scope="module")
def logged(vote: DigitModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_logged(vote, tmp_path_factory.mktemp("model"))


def test_the_champion_is_written_with_its_name_its_form_and_its_calibration(
    store: Client, logged: Path, vote: DigitModel, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    store.create_registered_model("ada")
    store.create_model_version("ada", str(logged))
    store.set_registered_model_alias("ada", "champion", "1")
    out = tmp_path / "ada.onnx"
    status, output, errors = command("export", "--registered_model", "ada", "--out", str(out))
    assert (status, errors) == (0, "")
    assert re.match(rf"Written: {out}, \d\.\d MB, Version 1 of ada\n", output)
    session = onnxruntime.InferenceSession(str(out))
    about = session.get_modelmeta().custom_metadata_map
    assert vote.abstention
    assert about["model"] == "Version 1 of ada"
    assert (about["features"], float(about["temperature"]), float(about["max_error"])) == ("images", 0.5, 0.2)
    assert json.loads(about["members"])[1] == {"features": "hog", "temperature": 1.0, "weight": 2.0}
    assert json.loads(about["canonical"]).items() >= {"side": 28, "box": 20, "longer_side": [18, 22]}.items()
    assert float(about["sure_above"]) == json.loads(about["thresholds"])[1] == 0.6
    assert json.loads(about["promises"]) == vote.abstention.promises.tolist()
    assert not store.search_runs(["0"])


def test_the_program_of_the_document_reads_the_file_by_onnx_runtime_alone(
    logged: Path, vote: DigitModel, digits: Dataset, tmp_path: Path
) -> None:
    (program,) = PROGRAM
    assert len(program.splitlines()) <= 20
    images = np.concatenate([digits.validation.images[:8], np.zeros((1, 28, 28), np.uint8)])
    run(Params(model=str(logged), out=tmp_path / "digits.onnx"), silent)
    np.save(tmp_path / "digits.npy", images)
    (tmp_path / "ask.py").write_text(program, encoding="utf-8")
    first, *answers, imported = python(ALONE, tmp_path, PYTHONPATH="").splitlines()
    assert first == f"{logged} is wrong in at most 0.2 of its sure answers"
    table = vote.read(images).to_frame()
    assert len(answers) == len(images)
    for answer, (_, row) in zip(answers, table.iterrows(), strict=True):
        assert answer.startswith(f"{row['digit']} ({row['confidence']:.1%})")
        assert ("not sure" in answer) == (not row["sure"])
    assert 0 < table["sure"].sum() < 8
    assert "no MNIST" in answers[-1]
    assert not any("no MNIST" in answer for answer in answers[:-1])
    assert imported == "[]"


def test_the_document_explains_every_option_and_all_that_the_file_says(logged: Path) -> None:
    table = DOCUMENT.split("## What the file says about itself")[1]
    names = {name for cell in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", cell)}
    assert set(re.findall(r"^\| `--(\w+)", DOCUMENT, re.M)) == set(names_of(Params))
    about = describe(load_reader(str(logged), "mnist-digits"))
    assert {*about, *FACTS, "model_id", "run_id"} == names


def test_what_cannot_be_written_is_refused(store: Client, logged: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        run(Params(model=str(logged), out=tmp_path / "none" / "digits.onnx"), silent)
    with pytest.raises(UserFacingError, match="There is no champion of mnist-digits yet"):
        run(Params(out=tmp_path / "digits.onnx"), silent)
    assert not (tmp_path / "digits.onnx").exists()


def test_a_model_without_abstention_is_never_sure(digits: Dataset, vote: DigitModel, tmp_path: Path) -> None:
    folder = save_logged(replace(vote, abstention=None), tmp_path)
    run(Params(model=str(folder), out=tmp_path / "digits.onnx"), silent)
    session = onnxruntime.InferenceSession(str(tmp_path / "digits.onnx"))
    assert not session.run(["sure"], {"images": digits.validation.images[:9]})[0].any()
    assert "max_error" not in session.get_modelmeta().custom_metadata_map
