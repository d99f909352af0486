"""Stores that go away, or refuse, when a training has its result."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UnsentError
from mnist_mlflow.jobs import ensemble, recover
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking import parcels
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import PROBABILITY_COLUMNS, silent
from tests.conftest import ROOT, python
from tests.faults.servers import Proxy, Server

Client: TypeAlias = mlflow.MlflowClient
Command: TypeAlias = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.faults
TASK = Task("xgboost", {"rounds": 3}, DataOptions("digits", train_size=200))
MEASURED = {"fit_seconds", "predict_ms_per_image", "tracking_seconds"}  # differ from run to run
PICTURES = {"mistakes": bytes(40_000)}  # to draw them takes longer than all else
OWN_TAGS = {"mlflow.runName", "mlflow.log-model.history", "owner"}


@pytest.fixture(scope="module", autouse=True)
def drawn() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_mlflow.jobs.recording.pictures", lambda *arguments: PICTURES)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture
def client(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Client]:
    """A client of the server through the proxy, which gives up at once."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # as the command line does
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
    monkeypatch.setattr(parcels, "project_root", lambda: tmp_path)
    mlflow.set_tracking_uri(proxy.uri)
    yield connect()
    proxy.refuse = lambda method, path, body: 0
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def uninterrupted(server: Server) -> Any:
    """The run of a training that nothing interrupts."""
    mlflow.set_tracking_uri(server.uri)
    return connect().get_run(train(TASK, silent).run_id)


def files_of(client: Client, run_id: str, path: str = "") -> set[str]:
    files = client.list_artifacts(run_id, path)
    return {name for file in files for name in (files_of(client, run_id, file.path) if file.is_dir else {file.path})}


def probabilities(run: Any) -> np.ndarray:
    (output,) = run.outputs.model_outputs
    images = load_dataset("digits", 0, 200).test.images
    rows: np.ndarray = mlflow.pyfunc.load_model(f"models:/{output.model_id}").predict(images)[PROBABILITY_COLUMNS]
    return np.asarray(rows)


def assert_alike(client: Client, run_id: str, other: Any) -> None:
    """Assert that a run holds what another holds, once."""
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == other.data.params
    assert run.data.metrics.keys() == other.data.metrics.keys()
    for name in run.data.metrics.keys() - MEASURED:
        assert run.data.metrics[name] == other.data.metrics[name]
    for name in run.data.metrics:
        assert len(client.get_metric_history(run_id, name)) == len(client.get_metric_history(other.info.run_id, name))
    assert run.data.tags.keys() - OWN_TAGS == other.data.tags.keys() - OWN_TAGS
    assert files_of(client, run_id) == files_of(client, other.info.run_id)
    (model,) = client.search_logged_models(["0"], f"source_run_id = '{run_id}'")
    assert model.status == "READY"
    assert {metric.key for metric in model.metrics} >= {"val_accuracy", "model_mb"}
    assert len(model.metrics) == len({metric.key for metric in model.metrics})
    assert np.array_equal(probabilities(run), probabilities(other))


def test_a_server_that_is_killed_after_the_fit_loses_nothing(
    client: Client,
    server: Server,
    uninterrupted: Any,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kill_then_draw(*arguments: Any) -> dict[str, bytes]:
        server.kill()
        return PICTURES

    with monkeypatch.context() as patch:
        patch.setattr("mnist_mlflow.jobs.recording.pictures", kill_then_draw)
        status, output, errors = command("xgboost", "--rounds=3", "--data=digits", "--train_size=200")
    assert (status, output) == (1, "")
    (parcel,) = (tmp_path / "unsent").glob("*/")
    *warning, error = errors.splitlines()
    assert "Nothing is sure" in " ".join(warning)  # of so few images
    assert f"Nothing is lost: the result is kept in {parcel}" in error
    assert "type: python -m mnist_mlflow recover" in error
    status, _, errors = command("recover")  # the server is still away
    assert status == 1
    assert "cannot be used" in errors
    server.start()
    assert client.get_run(parcel.name).info.status == "RUNNING"
    status, output, _ = command("recover")
    assert (status, output) == (0, f"Uploaded: run {parcel.name} is complete.\n")
    assert_alike(client, parcel.name, uninterrupted)
    assert command("recover")[:2] == (0, "Nothing waits to be uploaded.\n")
    assert not parcel.exists()


# The request after whose arrival the server answers nothing any more: what was uploaded before differs.
LAST_REQUESTS = {
    "a picture": ("PUT", "plots", b""),
    "the model": ("POST", "logged-models", b"model_type"),
    "a file of the model": ("PUT", "digit_model", b""),
    "that the model is complete": ("PATCH", "logged-models", b""),
    "metrics": ("POST", "runs/log-batch", b"val_accuracy"),
    "the end": ("POST", "runs/update", b"FINISHED"),
}


@pytest.mark.parametrize(("last", "answered"), [("a picture", False), *((last, True) for last in LAST_REQUESTS)])
def test_a_server_that_goes_away_while_results_are_uploaded_loses_nothing(
    client: Client, proxy: Proxy, server: Server, uninterrupted: Any, last: str, answered: bool
) -> None:
    words = LAST_REQUESTS[last]
    gone: list[bool] = []

    def refuse(method: str, path: str, body: bytes) -> int:
        was_gone = bool(gone)
        if method == words[0] and words[1] in path and words[2] in body:
            gone.append(True)
        return int(was_gone if answered else bool(gone))

    proxy.refuse = refuse
    if last == "the end" and answered:
        run_id = train(TASK, silent).run_id
    else:
        with pytest.raises(UnsentError):
            train(TASK, silent)
        (folder,) = parcels.unsent_parcels()
        run_id = folder.name
    proxy.refuse = lambda method, path, body: 0
    assert gone
    assert not recover.run(recover.Params(), silent).failed
    assert_alike(client, run_id, uninterrupted)
    assert recover.run(recover.Params(), silent) == recover.Recovery()
    assert not parcels.unsent_parcels()


def test_a_proxy_that_takes_no_large_files_is_named_and_loses_nothing(
    client: Client, proxy: Proxy, server: Server, uninterrupted: Any, command: Command
) -> None:
    proxy.refuse = lambda method, path, body: 413 if len(body) > 30_000 and "git/" not in path else 0
    status, _, errors = command("xgboost", "--rounds=3", "--data=digits", "--train_size=200")
    assert status == 1
    assert "client_max_body_size" in errors
    (folder,) = parcels.unsent_parcels()
    failed = client.get_run(folder.name)
    assert failed.info.status == "FAILED"
    assert "recover" in failed.data.tags["failure"]
    status, _, errors = command("recover")
    assert status == 1
    assert "client_max_body_size" in errors
    assert client.get_run(folder.name).info.status == "FAILED"
    proxy.refuse = lambda method, path, body: 503 if "runs/update" in path else 0
    status, _, errors = command("recover")
    assert (status, errors.count("\n")) == (1, 1)
    assert "it is not ready" in errors
    proxy.refuse = lambda method, path, body: 0
    assert command("recover")[0] == 0
    assert_alike(client, folder.name, uninterrupted)


def test_an_ensemble_loses_nothing(
    client: Client, proxy: Proxy, server: Server, uninterrupted: Any, tmp_path: Path
) -> None:
    train(Task("knn", {}, TASK.protocol), silent)
    proxy.refuse = lambda method, path, body: 503 if "members.csv" in path else 0
    with pytest.raises(UnsentError):
        ensemble.run(ensemble.Params("digits", members=2), silent)
    proxy.refuse = lambda method, path, body: 0
    (run_id,) = recover.run(recover.Params(), silent).complete
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert "members.csv" in files_of(client, run_id)
    assert uninterrupted.info.run_id[:8] in run.data.tags["mlflow.note.content"]
    assert probabilities(run).shape[1] == 10


def test_results_of_another_store_wait(
    client: Client, proxy: Proxy, server: Server, store: Client, command: Command
) -> None:
    here = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(proxy.uri)
    proxy.refuse = lambda method, path, body: 503 if method == "PUT" and "plots" in path else 0
    with pytest.raises(UnsentError):
        train(TASK, silent)
    proxy.refuse = lambda method, path, body: 0
    mlflow.set_tracking_uri(here)
    status, output, errors = command("recover")
    assert (status, output) == (0, "")
    assert f"its run is not in {here}. Type: export MLFLOW_TRACKING_URI={proxy.uri}" in errors
    mlflow.set_tracking_uri(proxy.uri)
    assert command("recover")[0] == 0


KILLED = """
import os, signal
from pathlib import Path
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import recording
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking import parcels, sending
from mnist_mlflow.types import silent
recording.pictures = lambda *arguments: {{}}
parcels.project_root = lambda: Path({folder!r})
sending.log_model = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
if not os.fork():
    train(Task("knn", {{}}, DataOptions("digits", train_size=200)), silent)
os.wait()
"""


def test_a_training_that_is_killed_while_it_uploads_loses_nothing(
    store: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "project_root", lambda: tmp_path)
    python(KILLED.format(folder=str(tmp_path)), ROOT, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    (killed,) = store.search_runs(["0"])
    assert killed.info.status == "RUNNING"
    assert recover.run(recover.Params(), silent) == recover.Recovery([killed.info.run_id])
    run = store.get_run(killed.info.run_id)
    assert run.info.status == "FINISHED"
    assert probabilities(run).shape[1] == 10
