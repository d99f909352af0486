"""docs/serve.md says what the server does."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from mnist_mlflow.jobs.serve import Params
from mnist_mlflow.jobs.serving import limits, server
from mnist_mlflow.model.decoding import MEGAPIXELS
from mnist_mlflow.parameters import names_of
from tests.conftest import ROOT
from tests.jobs.serving.asking import ask

DOCUMENT = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def test_every_option_is_explained() -> None:
    assert set(re.findall(r"^\| `--(\w+)", DOCUMENT, re.M)) == set(names_of(Params))


def test_every_field_of_an_answer_is_explained(app: FastAPI, png: bytes) -> None:
    (table,) = re.findall(r"^\| field .*\n((?:\|.*\n)+)", DOCUMENT, re.M)
    named: set[str] = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    answer: dict[str, Any] = ask(app, "/digit", png).json
    assert named == set(answer)
    assert {"row", "column", "box"} | named == set(ask(app, "/digits", png).json["digits"][0])


@pytest.mark.parametrize(
    "words",
    [
        f"{limits.LARGEST // limits.MEGABYTE} MB a request",
        f"{MEGAPIXELS} megapixels a picture",
        f"{limits.SLOWEST} seconds for a request",
        f"{limits.MOST_PIXELS // 1_000_000} megapixels a request",
        f"{limits.LONGEST} seconds that reading",
        f"{limits.RATE:,} requests and {limits.RATE * limits.BYTES_OF_ONE // limits.MEGABYTE} MB a second",
        f"{server.MOST_CONNECTIONS} connections",
    ],
)
def test_every_limit_is_as_documented(words: str) -> None:
    assert words in DOCUMENT
