import base64
import io
import json
import re
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI

from mnist_mlflow.data import Dataset
from mnist_mlflow.jobs.serving import app as app_module
from mnist_mlflow.jobs.serving.app import STATIC, build_app
from mnist_mlflow.tracking.readers import Reader
from tests.jobs.serving.asking import Reply, ask

JSON = {"content-type": "application/json"}


def score(app: FastAPI, content: object, **headers: str) -> Reply:
    return ask(app, "/invocations", json.dumps(content).encode(), JSON | headers)


def test_a_picture_is_answered(app: FastAPI, png: bytes) -> None:
    reply = ask(app, "/digit", png, {"content-type": "image/png"})
    assert reply.status == 200
    assert reply.json["digit"] == 1
    assert ask(app, "/digits", png).json["digits"][0]["digit"] == 1
    assert {"confidence", "probabilities", "sure", "why", "second", "inverted", "sentence", "saw"} <= set(reply.json)


def test_the_allowed_error_is_that_of_the_request_or_else_of_the_server(
    reader: Reader, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed: list[float | None] = []

    def remember(model: object, content: bytes, max_error: float | None) -> dict[str, int]:
        allowed.append(max_error)
        return {"digit": 1}

    monkeypatch.setattr(app_module, "answer", remember)
    app = build_app(reader, "localhost", 0.25)
    for path in ("/digit", "/digit?max_error=0.01", "/digit?max_error=", "/digit?max_error=0"):
        assert ask(app, path, png).json == {"digit": 1}
    assert allowed == [0.25, 0.01, 0.25, 0]
    for text in ("much", "-1", "1.5", "nan"):
        reply = ask(app, f"/digit?max_error={text}", png)
        assert (reply.status, reply.json["message"][:21]) == (400, "max_error is a share;")


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"\0" * 1000])
def test_bytes_that_are_no_picture_cost_one_line(app: FastAPI, png: bytes, content: bytes) -> None:
    reply = ask(app, "/digit", content)
    assert (reply.status, list(reply.json)) == (400, ["message"])
    assert "\n" not in reply.json["message"]
    assert "accepted are PNG" in reply.json["message"]
    assert ask(app, "/digit", png).status == 200


def test_a_picture_that_is_cut_off_or_unpacks_to_gigabytes_is_refused(app: FastAPI, png: bytes) -> None:
    bomb = bytearray(png)
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2  # its width and height, which its checksum then contradicts
    for content in (png[: len(png) // 2], bytes(bomb)):
        assert ask(app, "/digit", content).status == 400


def test_programs_get_what_mlflow_itself_predicts(app: FastAPI, reader: Reader, digits: Dataset) -> None:
    images = digits.validation.images[:3]
    expected = reader.pyfunc.predict(images).to_dict("records")
    saved = io.BytesIO()
    np.save(saved, images)
    npy = base64.b64encode(saved.getvalue()).decode()
    contents = ({"inputs": images.tolist()}, {"instances": images.tolist()}, {"inputs": {"npy": npy}})
    sent = ask(app, "/invocations", saved.getvalue(), {"content-type": "application/octet-stream"})
    for reply in (*(score(app, content) for content in contents), sent):
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.json["predictions"] == expected


def test_programs_send_files_of_pictures_too(app: FastAPI, png: bytes) -> None:
    reply = score(app, {"dataframe_records": [{"image": base64.b64encode(png).decode()}] * 2})
    assert [row["digit"] for row in reply.json["predictions"]] == [1, 1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"inputs": [[1, 2, 3]]}, "The images have the shape"),
        ({"inputs": np.full((1, 28, 28), -1).tolist()}, "values below 0"),
        ({"pictures": []}, "exactly one of the input fields"),
        ({"inputs": [], "instances": []}, "exactly one of the input fields"),
        ({"inputs": {"npy": "k05VTVBZ"}}, "npy: The 6 bytes are no array"),
        ({"inputs": np.zeros((1, 28, 28)).tolist(), "params": {"max_error": 7}}, "max_error=7.0 is no share"),
        ([], "must be a JSON dictionary"),
    ],
)
def test_what_a_model_does_not_take_is_told_without_a_traceback(app: FastAPI, content: object, words: str) -> None:
    reply = score(app, content)
    assert (reply.status, set(reply.json)) == (400, {"error_code", "message"})
    assert words in reply.json["message"]
    assert "Traceback" not in reply.content.decode()


def test_bodies_of_any_kind_cost_their_sender_alone(app: FastAPI, digits: Dataset) -> None:
    for body in (b"{", b"[" * 100_000, b'{"inputs": "' + b"x" * 1000 + b'"}'):
        assert ask(app, "/invocations", body, JSON).status == 400
    assert ask(app, "/invocations", b"\x93NUMPY", {"content-type": "application/octet-stream"}).status == 400
    for kind in ("text/plain", "image/png", "application/json; charset=latin-1"):
        assert ask(app, "/invocations", b"{}", {"content-type": kind}).status == 415
    pixels = pd.DataFrame(digits.test.images[:1].reshape(1, -1)).rename(columns=str)
    parquet = ask(app, "/invocations", pixels.to_parquet(), {"content-type": "application/vnd.apache.parquet"})
    assert (parquet.status, "is not read here" in parquet.json["message"]) == (415, True)  # it may be a bomb
    untyped = ask(app, "/invocations", b"{}")
    assert (untyped.status, set(untyped.json)) == (415, {"error_code", "message"})
    assert score(app, {"inputs": digits.validation.images[:1].tolist()}).status == 200


def test_the_state_is_told_as_mlflow_tells_it(app: FastAPI) -> None:
    assert (ask(app, "/ping").status, ask(app, "/ping").content) == (200, b"\n")
    assert ask(app, "/version").content.decode() == mlflow.__version__
    assert ask(app, "/health").json == {"status": "ok", "model": "Version 3 of ada"}


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/static/../app.py", 404), ("/docs", 404), ("/digit", 405)]
)
def test_there_is_nothing_else(app: FastAPI, path: str, status: int) -> None:
    reply = ask(app, path)
    assert (reply.status, list(reply.json)) == (status, ["message"])


def test_a_mistake_of_the_server_shows_nothing_of_it(app: FastAPI, png: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("/home/ada/secret")

    monkeypatch.setattr(app_module, "answer", fail)
    reply = ask(app, "/digit", png)
    assert (reply.status, reply.json) == (500, {"message": "The server has made a mistake. It is in its log."})


def test_the_page_names_the_model_and_loads_files_that_are_there_from_nowhere_else(app: FastAPI) -> None:
    page = ask(app, "/")
    html = page.content.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Version 3 of ada reads it" in html
    references = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert {"static/page.js", "static/page.css"} <= set(references)
    for reference in references:
        assert ask(app, f"/{reference}").status == 200
    for text in (html, *(path.read_text(encoding="utf-8") for path in STATIC.iterdir() if path.suffix != ".svg")):
        assert not re.search(r"https?:|//[a-z]|@import|url\(|style=|<script>|\son[a-z]+=", text)


def test_what_scripts_look_for_is_on_the_page(app: FastAPI) -> None:
    html = ask(app, "/").content.decode()
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    wanted = set(re.findall(r'find\("(\w+)"\)', scripts))
    assert len(wanted) > 10
    assert wanted <= set(re.findall(r'id="([\w-]+)"', html))
    files = set(re.findall(r'from "\./([\w.]+)"|"static/([\w.]+)"', scripts))
    assert len(files) == 3
    assert {name or other for name, other in files} <= {path.name for path in STATIC.iterdir()}


def test_browsers_ask_whether_a_file_has_changed(app: FastAPI) -> None:
    first = ask(app, "/static/page.js")
    assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
    again = ask(app, "/static/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.content) == (304, b"")


def test_every_file_of_the_page_is_packed() -> None:
    text = (Path(app_module.__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    assert 'package-data = { "*" = ["*.jinja", "*.mplstyle", "static/*"] }' in text
