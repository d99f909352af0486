"""MLflow's scoring protocol: the body of a request becomes predictions, as `mlflow models serve` has it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.version import VERSION

from mnist_mlflow.errors import TooMuchWorkError, UserFacingError, one_line

MLFLOW_VERSION: str = VERSION
BAD_REQUEST, TOO_MUCH = 400, 413
PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"


@dataclass(frozen=True)
class Scored:
    """The answer to a request: its content, status and media type."""

    content: str
    status: int
    media_type: str


def score(model: PyFuncModel, body: bytes, content_type: str) -> Scored:
    """The predictions of a model for the body of a request to `/invocations`.

    What cannot be read costs a status of 400 to 499. MLflow would answer with a traceback; here the reason stands in
    the message. Parquet is refused: a small file of it may hold more than there is memory.
    """
    if content_type.partition(";")[0].strip() == PARQUET:
        return _refusal(f"{PARQUET} is not read here; accepted are application/json and text/csv.", "BAD_REQUEST", 415)
    try:
        answer = scoring_server.invocations(body, content_type, model, model.metadata.get_input_schema())
        if answer.status >= BAD_REQUEST and answer.mimetype != JSON:
            return _refusal(answer.response, "BAD_REQUEST", answer.status)
        return Scored(answer.response, answer.status, answer.mimetype)
    except MlflowException as error:
        cause = error.__context__
        reason = f" {one_line(cause)}" if isinstance(cause, UserFacingError) else ""
        status = TOO_MUCH if isinstance(cause, TooMuchWorkError) else error.get_http_status_code()
        return _refusal(f"{error.message}{reason}", error.error_code, status)
    except Exception as error:  # bodies of unknown origin may raise anything
        return _refusal(one_line(error), "BAD_REQUEST", BAD_REQUEST)


def _refusal(message: str, error_code: str, status: int) -> Scored:
    return Scored(json.dumps({"error_code": error_code, "message": message}), status, JSON)
