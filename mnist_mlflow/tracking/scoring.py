"""MLflow's scoring protocol: the body of a request becomes predictions, as `mlflow models serve` has it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.version import VERSION

from mnist_mlflow.errors import TooMuchWorkError, UserFacingError, one_line
from mnist_mlflow.model.forms import NPY

MLFLOW_VERSION: str = VERSION
BAD_REQUEST, TOO_MUCH = 400, 413
ARRAY = "application/octet-stream"
PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"
STRAIGHT = {"inputs", "instances"}  # fields of JSON that the model takes as they are
ACCEPTED = f"accepted are {JSON}, text/csv, and {ARRAY} for the content of a file of np.save"


@dataclass(frozen=True)
class Scored:
    """The answer to a request: its content, status and media type."""

    content: str
    status: int = 200
    media_type: str = JSON


def score(model: PyFuncModel, body: bytes, content_type: str) -> Scored:
    """The predictions of a model for the body of a request to `/invocations`.

    A file of np.save is taken as it is, beside what MLflow takes. What cannot be read costs a status of 400 to 499.
    MLflow would answer with a traceback; here the reason stands in the message. Parquet is refused: a small file of
    it may hold more than there is memory.
    """
    kind = content_type.partition(";")[0].strip()
    if kind == PARQUET:
        return _refusal(f"{PARQUET} is not read here; {ACCEPTED}.", "BAD_REQUEST", 415)
    try:
        if kind == ARRAY:
            return _predict(model, {NPY: body}, None)
        if content_type.lower().replace(" ", "") in (JSON, f"{JSON};charset=utf-8"):
            return _score_json(model, body)
        return _score_by_mlflow(model, body, content_type)
    except MlflowException as error:
        cause = error.__context__
        reason = f" {one_line(cause)}" if isinstance(cause, UserFacingError) else ""
        status = TOO_MUCH if isinstance(cause, TooMuchWorkError) else error.get_http_status_code()
        return _refusal(f"{error.message}{reason}", error.error_code, status)
    except Exception as error:  # bodies of unknown origin may raise anything
        status = TOO_MUCH if isinstance(error, TooMuchWorkError) else BAD_REQUEST
        return _refusal(one_line(error), "BAD_REQUEST", status)


def _score_json(model: PyFuncModel, body: bytes) -> Scored:
    """The predictions for JSON. Lists go straight to the model: MLflow reads them twice and copies each number."""
    content: Any = body
    with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError):  # which MLflow tells
        content = json.loads(body)
    if isinstance(content, dict) and len(forms := content.keys() - {"params"}) == 1 and forms <= STRAIGHT:
        return _predict(model, content[forms.pop()], content.get("params"))
    return _score_by_mlflow(model, content if isinstance(content, dict) else body, JSON)


def _predict(model: PyFuncModel, data: Any, params: Mapping[str, Any] | None) -> Scored:
    table = model.predict(data, params=params)
    columns = list(table.columns)
    rows = [dict(zip(columns, row, strict=True)) for row in table.to_numpy().tolist()]
    return Scored(json.dumps({"predictions": rows}))


def _score_by_mlflow(model: PyFuncModel, body: bytes | Mapping[str, Any], content_type: str) -> Scored:
    answer = scoring_server.invocations(body, content_type, model, model.metadata.get_input_schema())
    if answer.status >= BAD_REQUEST and answer.mimetype != JSON:
        return _refusal(answer.response, "BAD_REQUEST", answer.status)
    return Scored(answer.response, answer.status, answer.mimetype)


def _refusal(message: str, error_code: str, status: int) -> Scored:
    return Scored(json.dumps({"error_code": error_code, "message": message}), status)
