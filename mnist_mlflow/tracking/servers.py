"""Tracking servers, asked once and in MLflow's own way before MLflow itself tries for minutes."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.tracking._tracking_service.utils import get_default_host_creds
from mlflow.utils.rest_utils import http_request, verify_rest_response
from requests import RequestException

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.tracking.accounts import account

CONNECT = 5  # seconds; to answer a server has MLFLOW_HTTP_REQUEST_TIMEOUT
OLDEST = 3  # the first major version that keeps logged models
EXPERIMENTS = "/api/2.0/mlflow/experiments/search"
REFUSED = "PERMISSION_DENIED"  # MLflow's word for what a server does not let an account do
# To search experiments is permitted to everybody: who is refused that is refused altogether.
NOT_PERMITTED = re.compile(
    r"endpoint (?!\S+/experiments/search)(\S+) failed with error code 403 .*permission denied",
    re.IGNORECASE | re.DOTALL,
)
HIDDEN = re.compile(r"\b403\b.*permission denied", re.IGNORECASE | re.DOTALL)
RETRIES = MLFLOW_HTTP_REQUEST_MAX_RETRIES.name
FEW = 2

# What an answer's status, or an error's words, mean to the person who typed.
CREDENTIALS = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
NOT_READY = "Start it, or try again when it has started"
STATUSES = {
    401: ("it asks who you are, or the password is wrong", CREDENTIALS),
    403: ("it refuses you", f"{CREDENTIALS}, of an account that may use it"),
    404: ("there is no MLflow at this address", "Check the path in MLFLOW_TRACKING_URI"),
    413: ("it takes no files of this size", "Raise the limit of the proxy before it (nginx: client_max_body_size 0)"),
    429: ("it is asked too often", "Try again later"),
    502: ("the proxy before it does not reach it", NOT_READY),
    503: ("it is not ready", NOT_READY),
    504: ("the proxy before it does not reach it", NOT_READY),
}
CERTIFICATE = "Name the certificate of the house: MLFLOW_TRACKING_SERVER_CERT_PATH=/path/to/ca.pem"
ERRORS = {
    "certificate verify failed": ("its certificate is of no authority that is known here", CERTIFICATE),
    "invalid path": ("its certificate is not in the file that is named", CERTIFICATE),
    "sslerror": ("it does not speak TLS as asked", "Check http:// against https:// in MLFLOW_TRACKING_URI"),
    "unauthenticated:": STATUSES[401],
    "permission_denied:": STATUSES[403],
    "invalid host header": (
        "it does not know the host name that you use",
        "Start it with --allowed-hosts NAME:PORT, or use a name that it knows",
    ),
    "failed to resolve": ("there is no such host", "Check MLFLOW_TRACKING_URI"),
    "connection refused": ("nothing listens there", "Start the server, or check MLFLOW_TRACKING_URI"),
    "read timed out": ("it does not answer in time", "Raise MLFLOW_HTTP_REQUEST_TIMEOUT, or look at the server"),
    "timed out": (f"no connection within {CONNECT} seconds", "Check MLFLOW_TRACKING_URI and the network"),
}


def is_server(uri: str) -> bool:
    """True for the address of a tracking server."""
    return uri.startswith(("http://", "https://"))


def check_server(uri: str) -> None:
    """Ask a server for its version and for an experiment; raises UserFacingError where it will not do."""
    try:
        answer = _ask(uri, "/version", "GET")
        version = re.match(r"(\d+)\.\d+", answer.text)
        if answer.ok and version and int(version[1]) < OLDEST:
            reason = f"it runs MLflow {answer.text.strip()[:20]}, which keeps no logged models"
            raise _unusable(uri, reason, f"It takes MLflow {OLDEST}.0 or newer")
        # Servers answer the first question to anybody, whatever the host name and the password.
        verify_rest_response(_ask(uri, EXPERIMENTS, "POST", json={"max_results": 1}), EXPERIMENTS)
    except MlflowException as error:
        advice = "Check MLFLOW_TRACKING_URI, or unset it to use the project's SQLite file"
        raise explain(uri, error) or _unusable(uri, one_line(error), advice) from error


def _ask(uri: str, endpoint: str, method: str, **options: Any) -> Any:
    timeout = (CONNECT, MLFLOW_HTTP_REQUEST_TIMEOUT.get())
    credentials = get_default_host_creds(uri)
    return http_request(credentials, endpoint, method, timeout=timeout, max_retries=0, raise_on_status=False, **options)


@contextlib.contextmanager
def few_retries() -> Iterator[None]:
    """Let MLflow give up a server within seconds, where nothing is left to lose by that."""
    before = os.environ.get(RETRIES)
    os.environ[RETRIES] = str(min(FEW, MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()))
    try:
        yield
    finally:
        if before is None:
            del os.environ[RETRIES]
        else:
            os.environ[RETRIES] = before


def explain(uri: str, error: BaseException) -> UserFacingError | None:
    """The refusal, or the absence, of a server behind an error of MLflow's client; None for another cause."""
    if not is_server(uri) or not isinstance(error, (MlflowException, RequestException)):
        return None
    if refusal := NOT_PERMITTED.search(str(error)):
        reason = f"the account {account()} may not use {refusal[1]} there"
        return _unusable(uri, reason, "Ask who owns it for the permission EDIT, or log in as another account")
    text = str(error).lower()
    for words, (reason, remedy) in ERRORS.items():
        if words in text:
            return _unusable(uri, reason, remedy)
    for status, (reason, remedy) in STATUSES.items():
        if re.search(rf"error code {status}\b|\b{status} (client|server) error|too many {status} error", text):
            return _unusable(uri, reason, remedy)
    return None


def reason(error: BaseException) -> str:
    """The reason why a store does not give something. One with logins does not tell what is hidden and what is gone."""
    if HIDDEN.search(str(error)):
        return f"it is not there, or hidden from the account {account()}"
    return one_line(error)


def _unusable(uri: str, reason: str, remedy: str) -> UserFacingError:
    return UserFacingError(f"The tracking server {uri} cannot be used: {reason}. {remedy}.")
