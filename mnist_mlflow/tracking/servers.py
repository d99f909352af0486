"""Tracking servers, asked once and in MLflow's own way before MLflow itself tries for minutes."""

from __future__ import annotations

import re
from typing import Any

from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.tracking._tracking_service.utils import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from mnist_mlflow.errors import UserFacingError, one_line

CONNECT = 5  # seconds; to answer a server has MLFLOW_HTTP_REQUEST_TIMEOUT
OLDEST = 3  # the first major version that keeps logged models

# What an answer's status, or an error's words, mean to the person who typed.
CREDENTIALS = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
STATUSES = {
    401: ("it asks who you are, or the password is wrong", CREDENTIALS),
    403: ("it refuses you", f"{CREDENTIALS}, of an account that may use it"),
    404: ("there is no MLflow at this address", "Check the path in MLFLOW_TRACKING_URI"),
    413: ("it takes no files of this size", "Raise the limit of the proxy before it (nginx: client_max_body_size 0)"),
}
CERTIFICATE = "Name the certificate of the house: MLFLOW_TRACKING_SERVER_CERT_PATH=/path/to/ca.pem"
ERRORS = {
    "certificate verify failed": ("its certificate is of no authority that is known here", CERTIFICATE),
    "sslerror": ("it does not speak TLS as asked", "Check http:// against https:// in MLFLOW_TRACKING_URI"),
    "invalid host header": (
        "it does not know the host name that you use",
        "Start it with --allowed-hosts NAME:PORT, or use a name that it knows",
    ),
    "failed to resolve": ("there is no such host", "Check MLFLOW_TRACKING_URI"),
    "connection refused": ("nothing listens there", "Start the server, or check host and port"),
    "read timed out": ("it does not answer in time", "Raise MLFLOW_HTTP_REQUEST_TIMEOUT, or look at the server"),
    "timed out": (f"no connection within {CONNECT} seconds", "Check host, port and network"),
}


def check_server(uri: str) -> None:
    """Ask a server for its version; raises UserFacingError, with the remedy, where it will not do."""
    timeout = (CONNECT, MLFLOW_HTTP_REQUEST_TIMEOUT.get())
    try:
        answer: Any = http_request(
            get_default_host_creds(uri), "/version", "GET", timeout=timeout, max_retries=0, raise_on_status=False
        )
    except MlflowException as error:
        raise refusal(uri, error) from error
    if answer.status_code in STATUSES:
        raise _unusable(uri, *STATUSES[answer.status_code])
    version = re.match(r"\d+", answer.text)
    if answer.ok and version and int(version[0]) < OLDEST:
        reason = f"it runs MLflow {answer.text.strip()[:20]}, which keeps no logged models"
        raise _unusable(uri, reason, f"It takes MLflow {OLDEST}.0 or newer")


def refusal(uri: str, error: BaseException) -> UserFacingError:
    """What an error of MLflow's client means to the person who typed."""
    text = str(error).lower()
    for words, (reason, remedy) in ERRORS.items():
        if words in text:
            return _unusable(uri, reason, remedy)
    for status, (reason, remedy) in STATUSES.items():
        if f"error code {status}" in text or f"{status} client error" in text:
            return _unusable(uri, reason, remedy)
    return _unusable(uri, one_line(error), "Check MLFLOW_TRACKING_URI, or unset it to use the project's SQLite file")


def _unusable(uri: str, reason: str, remedy: str) -> UserFacingError:
    return UserFacingError(f"The tracking server {uri} cannot be used: {reason}. {remedy}.")
