"""Tracking servers that are slow, gone for a while, behind TLS or a proxy, too old, or not for you."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.utils.request_utils import JitteredRetry

from benchmarks.process import free_port
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking import servers
from mnist_mlflow.tracking.defaults import MLFLOW_DEFAULTS
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.store import connect
from tests.servers import FakeServer, make_certificate, serving

pytestmark = pytest.mark.timeout(100)  # MLflow's own retries take minutes
RESTART = 300  # seconds


@pytest.fixture(autouse=True)
def forget_the_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in MLFLOW_DEFAULTS.items():
        monkeypatch.setenv(name, value)
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("house"))


def refusal(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line with which a server is refused."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(UserFacingError) as caught:
        connect()
    (line,) = str(caught.value).splitlines()
    assert line.startswith("The tracking server http")
    return line


def test_a_certificate_of_the_house_is_taken_as_mlflow_takes_it(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(FakeServer(), certificate=certificate) as address:
        assert "MLFLOW_TRACKING_SERVER_CERT_PATH=" in refusal(address, monkeypatch)
        monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/such/ca.pem")
        assert "is not in the file that is named" in refusal(address, monkeypatch)
        monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
        connect()
        monkeypatch.delenv("MLFLOW_TRACKING_SERVER_CERT_PATH")
        monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
        with pytest.warns(match="Unverified HTTPS"):
            connect()


def test_http_to_a_server_of_https_is_one_line(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(FakeServer(), certificate=certificate) as address:
        refusal(address.replace("https", "http"), monkeypatch)
    with serving(FakeServer()) as address:
        assert "Check http:// against https://" in refusal(address.replace("http", "https"), monkeypatch)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "token"}, "Bearer token"),
        (
            {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "word"},
            f"Basic {base64.b64encode(b'me:word').decode()}",
        ),
    ],
)
def test_every_request_says_who_asks(variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    fake = FakeServer()
    with serving(fake) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        connect()
    assert {headers.get("Authorization") for _, headers in fake.requests} == {expected}


def test_a_server_that_takes_long_to_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "CONNECT", 1)
    fake = FakeServer(delay=2.5)
    with serving(fake) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        connect()
        fake.requests.clear()
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        assert "Raise MLFLOW_HTTP_REQUEST_TIMEOUT" in refusal(address, monkeypatch)


SEARCH = servers.EXPERIMENTS
ANSWERS = {
    "MLflow 2": ({"/version": (200, "2.22.0")}, "runs MLflow 2.22.0, which keeps no logged models"),
    "no password": ({SEARCH: (401, "You are not authenticated.")}, "Set MLFLOW_TRACKING_USERNAME"),
    "no right": ({SEARCH: (403, "Permission denied")}, "of an account that may use it"),
    "no right, said in JSON": ({SEARCH: (403, '{"error_code": "PERMISSION_DENIED"}')}, "of an account that may use it"),
    "another name": ({SEARCH: (403, "Invalid Host header - possible DNS rebinding")}, "--allowed-hosts"),
    "no MLflow": ({"/version": (404, ""), SEARCH: (404, "<html>")}, "no MLflow at this address"),
    "a web page for all": ({"/version": (200, "<html>"), SEARCH: (200, "<html>")}, "not in a valid JSON"),
    "a proxy without its server": ({"/version": (502, ""), SEARCH: (502, "")}, "when it has started"),
    "small bodies": ({SEARCH: (413, "<html>Request Entity Too Large")}, "client_max_body_size"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_server_answers_is_told_in_a_line_with_the_remedy(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, line = ANSWERS[case]
    with serving(FakeServer(answers)) as address:
        assert line in refusal(address, monkeypatch)


def test_a_server_without_a_version_is_asked_for_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some proxies pass on the API alone."""
    with serving(FakeServer({"/version": (404, "")})) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert [experiment.name for experiment in connect().search_experiments()] == ["Default"]


def test_a_server_that_restarts_while_a_run_logs_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")  # all waits are half as long as MLflow's
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    port, fake = free_port(), FakeServer()
    with serving(fake, port) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        client = connect()
    failures: list[BaseException] = []

    def log() -> None:
        try:
            Run(client, "0" * 32).set_tags({"role": "model"})
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=log)
    thread.start()
    thread.join(timeout=3)
    with serving(fake, port):
        thread.join(timeout=20)
    assert not failures
    assert fake.requests[-1][0] == "/api/2.0/mlflow/runs/log-batch"


def test_mlflow_tries_again_for_longer_than_a_server_needs_to_restart() -> None:
    retries = int(MLFLOW_DEFAULTS["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
    retry, waits = JitteredRetry(total=retries, backoff_factor=2), 0.0
    for _ in range(retries):
        retry = retry.increment("POST", "/", error=ConnectionError())
        waits += retry.get_backoff_time()
    assert waits > RESTART


def test_a_server_that_stays_away_is_not_waited_for_once_more_by_the_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = '{"run": {"info": {"run_id": "r", "status": "RUNNING", "artifact_uri": "file:///tmp"}, "data": {}}}'
    answers = {"/api/2.0/mlflow/runs/create": (200, run), "/api/2.0/mlflow/runs/get": (200, run)}
    monkeypatch.setattr("mnist_mlflow.tracking.lifecycle._log_origin", lambda *arguments: None)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    server = serving(FakeServer(answers))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.__enter__())
    monkeypatch.setattr(servers, "FEW", 1)  # two cost four seconds

    def run_while_the_server_goes() -> None:
        with open_run("knn", {}) as opened:
            server.__exit__(None, None, None)
            with servers.few_retries():
                opened.set_tags({"a": 1})

    with pytest.raises(UserFacingError, match="nothing listens there"):
        run_while_the_server_goes()
