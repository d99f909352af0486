"""The addresses of the server, and what each answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException

from mnist_mlflow.errors import ImageError, TooMuchWorkError
from mnist_mlflow.jobs.serving.answers import Answer, answer, answer_page
from mnist_mlflow.jobs.serving.guard import Guard
from mnist_mlflow.jobs.serving.limits import LARGEST, Allowances, bounded, read_body
from mnist_mlflow.parameters import none_if_empty
from mnist_mlflow.processes import count_cores
from mnist_mlflow.reports.html import render
from mnist_mlflow.tracking.readers import Reader
from mnist_mlflow.tracking.scoring import MLFLOW_VERSION, score

STATIC = Path(__file__).with_name("static")
JSON = "application/json"
NO_DOCUMENTS: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}  # FastAPI's load from outside

Result = TypeVar("Result")
Share = Annotated[float | None, Query(ge=0, le=1), BeforeValidator(none_if_empty)]


def build_app(reader: Reader, host: str, max_error: float | None) -> FastAPI:
    """The application that answers with a model, to those who call it by `host` or an address."""
    app, addresses = FastAPI(**NO_DOCUMENTS), Addresses(reader, max_error)
    page = render("page.html.jinja", __package__, name=reader.name, largest=LARGEST)
    app.add_api_route("/", lambda: HTMLResponse(page))
    app.add_api_route("/digit", addresses.digit, methods=["POST"])
    app.add_api_route("/digits", addresses.digits, methods=["POST"])
    app.add_api_route("/invocations", addresses.invocations, methods=["POST"])
    for path, answer_of in {"/health": addresses.health, "/ping": _ping, "/version": _version}.items():
        app.add_api_route(path, answer_of)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(Guard, host=host)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


@dataclass(frozen=True)
class Addresses:
    """The answers of each address, by one model; as many at a time as there are cores."""

    reader: Reader
    max_error: float | None
    allowances: Allowances = field(default_factory=Allowances)
    cores: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(count_cores()))

    def health(self) -> dict[str, str]:
        """The name of the model that answers."""
        return {"status": "ok", "model": self.reader.name}

    async def digit(self, request: Request, max_error: Share = None) -> Answer:
        """The answer to a picture of one digit: the bytes of a file."""
        return await self._read(answer, request, max_error)

    async def digits(self, request: Request, max_error: Share = None) -> Answer:
        """The answers to the digits of a picture: the bytes of a file."""
        return await self._read(answer_page, request, max_error)

    async def invocations(self, request: Request) -> Response:
        """The predictions for images in MLflow's forms."""
        body, content_type = await self._admit(request), request.headers.get("content-type", "")
        scored = await self._work(lambda: score(self.reader.pyfunc, body, content_type))
        return Response(scored.content, scored.status, media_type=scored.media_type)

    async def _read(self, read: Callable[..., Answer], request: Request, max_error: float | None) -> Answer:
        body, allowed = await self._admit(request), self.max_error if max_error is None else max_error
        return await self._work(lambda: read(self.reader.digits, body, allowed))

    async def _admit(self, request: Request) -> bytes:
        """The body of a request, counted; raises HTTPException for one that is refused."""
        client = request.client.host if request.client else ""
        self.allowances.admit(client)
        body = await read_body(request)
        self.allowances.charge(client, len(body))
        return body

    async def _work(self, work: Callable[[], Result]) -> Result:
        return await to_thread.run_sync(partial(bounded, work), limiter=self.cores)


def _ping() -> Response:
    return Response("\n", media_type=JSON)  # as MLflow has it


def _version() -> Response:
    return Response(MLFLOW_VERSION, media_type=JSON)


def _refused(request: Request, error: Any) -> Response:
    return JSONResponse({"message": str(error.detail)}, error.status_code, error.headers)


def _unreadable(request: Request, error: Any) -> Response:
    return JSONResponse({"message": str(error)}, 400)


def _too_much(request: Request, error: Any) -> Response:
    return JSONResponse({"message": str(error)}, 413)


def _mistyped(request: Request, error: Any) -> Response:
    return JSONResponse({"message": "max_error is a share; accepted: a number from 0 to 1, like 0.01."}, 400)


def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": "The server has made a mistake. It is in its log."}, 500)


HANDLERS: dict[type[Exception], Callable[[Request, Any], Response]] = {
    HTTPException: _refused,
    ImageError: _unreadable,
    TooMuchWorkError: _too_much,
    RequestValidationError: _mistyped,
    Exception: _broken,
}
