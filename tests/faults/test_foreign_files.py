"""Files and names from somebody else: no code in them runs, and no path leads out."""

import ast
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import numpy as np
import onnx
import pytest

from mnist_mlflow.data import Dataset, features_of
from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.errors import ModelError, UserFacingError
from mnist_mlflow.jobs import members
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import FEATURES, IMAGES
from mnist_mlflow.model.scorers import graph
from mnist_mlflow.model.scorers.graph import Graph
from mnist_mlflow.model.scorers.vote import Vote
from mnist_mlflow.processes import this_process
from mnist_mlflow.tracking import parcels, results
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.models import fetch_model
from mnist_mlflow.types import Part
from tests.conftest import ROOT
from tests.scorers import linear
from tests.simulated import labels_of, reads, right_but

Client: TypeAlias = mlflow.MlflowClient
LINEAR = linear(np.eye(10, 784, dtype=np.float32), np.zeros(10, np.float32))


def write_model(folder: Path) -> Path:
    DigitModel("pixels", LINEAR, 1.0).save(folder)
    return folder


def link_a_file(folder: Path, elsewhere: Path) -> None:
    (folder / "scorer.onnx").rename(elsewhere / "scorer.onnx")
    (folder / "scorer.onnx").symlink_to(elsewhere / "scorer.onnx")


def link_a_folder(folder: Path, elsewhere: Path) -> None:
    (folder / "more").symlink_to(elsewhere)


def link_upwards(folder: Path, elsewhere: Path) -> None:
    (folder / "more").symlink_to("../..")


def link_all(folder: Path, elsewhere: Path) -> None:
    folder.rename(elsewhere / "model")
    folder.symlink_to(elsewhere / "model")


@pytest.mark.parametrize("link", [link_a_file, link_a_folder, link_upwards, link_all])
def test_a_link_out_of_a_model_is_not_followed(link: Callable[[Path, Path], None], tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models" / "model")
    (tmp_path / "elsewhere").mkdir()
    assert DigitModel.load(folder)
    link(folder, tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link that leads out of its folder"):
        DigitModel.load(folder)


def test_a_link_in_a_vote_is_not_followed_but_one_within_a_model_is(tmp_path: Path) -> None:
    DigitModel(IMAGES, Vote([DigitModel("pixels", LINEAR, 1.0)], [1.0]), 1.0).save(tmp_path / "vote")
    member = tmp_path / "vote" / "members" / "00"
    (member / "scorer.onnx").rename(member / "kept.onnx")
    (member / "scorer.onnx").symlink_to("kept.onnx")
    assert DigitModel.load(tmp_path / "vote")
    (tmp_path / "vote" / "members" / "01").symlink_to(write_model(tmp_path / "other"))
    with pytest.raises(ValueError, match="leads out of its folder"):
        DigitModel.load(tmp_path / "vote")


@pytest.mark.parametrize("data", ["../files", "{home}/files", "data/../../files"])
def test_a_model_has_no_files_but_its_own(data: str, tmp_path: Path) -> None:
    form: dict[str, Any] = {"loader_module": DigitModel.__module__, "data_path": str(write_model(tmp_path / "files"))}
    mlflow.pyfunc.save_model(tmp_path / "model", pip_requirements=["numpy"], **form)
    for folder in ("good", "bad"):
        (tmp_path / folder).mkdir()
    assert DigitModel.load(fetch_model(str(tmp_path / "model"), tmp_path / "good"))
    description = tmp_path / "model" / "MLmodel"
    changed = description.read_text().replace("data: data/files", f"data: {data.format(home=tmp_path)}")
    description.write_text(changed)
    with pytest.raises(UserFacingError, match="names files that are not its own"):
        fetch_model(str(tmp_path / "model"), tmp_path / "bad")


def test_the_name_of_a_model_makes_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(uri: str, folder: Path) -> Path:
        fetched.append(folder)
        raise UserFacingError("no")

    fetched: list[Path] = []
    monkeypatch.setattr(members, "fetch_model", fetch)
    monkeypatch.setattr(members, "read_probabilities", lambda *arguments: None)
    labels = labels_of(20)
    votes = [reads(labels, right_but(20, range(3))), reads(labels, right_but(20, range(5, 8)))]
    voters = [members.Voter(Candidate(str(index), "../../x", "knn"), rows) for index, rows in enumerate(votes)]
    part = Part(np.zeros((20, 28, 28), np.uint8), labels)
    dataset = Dataset("digits", "digits", part, part, part, part, "d", "s")
    with pytest.raises(UserFacingError, match="two models that load"):
        members.choose_members(voters, dataset, 8, tmp_path)
    assert fetched
    assert all(folder.parent == tmp_path for folder in fetched)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (BOMBED,)


BOMBED = "bombed"


def pickled_array(path: Path, *names: str) -> None:
    np.savez(path, **dict.fromkeys(names, np.array([Bomb()], object)))  # type: ignore[arg-type]


def pickle_alone(path: Path, *names: str) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


@pytest.mark.parametrize(
    ("write", "file", "reason"),
    [
        (pickled_array, "abstention.npz", "pickle"),
        (pickle_alone, "abstention.npz", "pickle"),
        (pickle_alone, "scorer.onnx", "protobuf"),
    ],
)
def test_no_model_is_unpickled(
    write: Callable[..., None], file: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    DigitModel("pixels", LINEAR, 1.0).save(tmp_path / "model")
    write(tmp_path / "model" / file, "max_error", "thresholds")
    with pytest.raises(ModelError, match=reason):
        DigitModel.load(tmp_path / "model")
    assert not Path(BOMBED).exists()


def graph_of(node: Any) -> bytes:
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 784])
        for name in (graph.FEATURES, graph.SCORES)
    ]
    foreign = onnx.helper.make_graph([node], "foreign", ends[:1], ends[1:])
    opsets = [onnx.helper.make_opsetid("", 22), onnx.helper.make_opsetid("somebody.else", 1)]
    return bytes(onnx.helper.make_model(foreign, opset_imports=opsets, ir_version=10).SerializeToString())


def test_no_graph_brings_code(tmp_path: Path) -> None:
    foreign = graph_of(onnx.helper.make_node("Run", [graph.FEATURES], [graph.SCORES], domain="somebody.else"))
    DigitModel("pixels", Graph(foreign), 1.0).save(tmp_path / "model")
    with pytest.raises(ModelError, match=r"somebody\.else"):
        DigitModel.load(tmp_path / "model")


@pytest.mark.parametrize("place", ["secret", "../{folder}/secret", "{absolute}"])
def test_no_graph_reads_files_beside_it(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.ones(784, np.float32).tobytes())
    weights = onnx.numpy_helper.from_array(np.ones(784, np.float32), "weights")
    address = place.format(folder=tmp_path.name, absolute=tmp_path / "secret")
    onnx.external_data_helper.set_external_data(weights, address)
    weights.ClearField("raw_data")
    model = onnx.load_from_string(graph_of(onnx.helper.make_node("Add", [graph.FEATURES, "weights"], [graph.SCORES])))
    model.graph.initializer.append(weights)
    DigitModel("pixels", Graph(model.SerializeToString()), 1.0).save(tmp_path / "model")
    with pytest.raises(ModelError, match=r"[Ee]xternal"):
        DigitModel.load(tmp_path / "model")


@pytest.mark.parametrize("write", [pickled_array, pickle_alone])
def test_no_probabilities_are_unpickled(
    write: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "validation_probabilities.npz", "labels", "probabilities")
    with pytest.raises(UserFacingError, match="that can be read"):
        results.read_kept(tmp_path.as_uri(), "validation")
    assert not Path(BOMBED).exists()


def test_no_features_are_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    part = Part(np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8), labels_of(20))
    path = cache_folder() / "features" / f"deskewed-{part.images_digest}.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.array([Bomb()] * 20, object))
    assert np.array_equal(features_of(part, "deskewed"), FEATURES["deskewed"](part.images))
    assert not Path(BOMBED).exists()


def test_nothing_in_the_package_pickles() -> None:
    for path in (ROOT / "mnist_mlflow").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        modules = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        }
        assert not modules & {"pickle", "cloudpickle", "dill", "marshal", "shelve"}, path
        assert "allow_pickle=True" not in text, path
        assert "joblib." not in text or "joblib.cpu_count" in text, path


def write_parcel(folder: Path, owner: object = None, run_id: str = "run") -> Path:
    contents = parcels.Contents(run_id, "knn", {}, {}, {}, {}, results.DataKey("d", "d"), [])
    (folder / parcels.ARTIFACTS).mkdir(parents=True)
    stored = {"contents": asdict(contents), "owner": owner, "store": "sqlite:///x.db"}
    (folder / parcels.CONTENTS).write_text(json.dumps(stored))
    return folder


@pytest.mark.parametrize("run_id", ["../precious", "..", "/tmp/x", "a/b", ""])
def test_the_id_of_a_run_makes_no_path(run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "project_root", lambda: tmp_path)
    (tmp_path / "precious").mkdir()
    with pytest.raises(UserFacingError, match="is no id of a run"), parcels.packing(run_id):
        pass
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("owner", ["me", 7, [], {"host": 1}, {**this_process(), "pid": "x"}])
def test_a_parcel_with_any_owner_can_be_read(owner: object, tmp_path: Path) -> None:
    assert not parcels.Parcel.read(write_parcel(tmp_path / "parcel", owner)).is_being_sent


def test_a_parcel_uploads_no_files_but_its_own(tmp_path: Path) -> None:
    folder = write_parcel(tmp_path / "parcel")
    (folder / parcels.ARTIFACTS / "x").symlink_to("/etc/passwd")
    with pytest.raises(UserFacingError, match="leads out of its folder"):
        parcels.Parcel.read(folder)


def test_the_last_resort_for_parcels_is_no_folder_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(parcels, "project_root", lambda: tmp_path / "project")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    write_parcel(tmp_path / f"mnist_mlflow-{os.getuid()}" / "unsent" / "run")
    assert [path.parent.parent.parent for path in parcels.unsent_parcels()] == [tmp_path]
    monkeypatch.setattr("os.getuid", lambda: 12345)
    (tmp_path / f"mnist_mlflow-{tmp_path.stat().st_uid}").rename(tmp_path / "mnist_mlflow-12345")
    assert not parcels.unsent_parcels()
