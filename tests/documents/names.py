"""The names of names.yml: metrics, tags and artifacts, each with its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS

NAMES: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
    Path(__file__).with_name("names.yml").read_text(encoding="utf-8")
)
PARTS = {
    "digit": r"\d",
    "corruption": "|".join(CORRUPTIONS),
    "strength": "|".join(map(str, STRENGTHS)),
    "name": r"\w+",
}
ANY = r"[\w .-]+"


def names_of(kind: str) -> list[str]:
    """All names of a kind: `metrics`, `tags` or `artifacts`."""
    return [name for group in NAMES[kind].values() for names in group for name in names.split(", ")]


def unknown(kind: str, texts: Iterable[str]) -> set[str]:
    """The texts that are no names of a kind."""
    pattern = re.compile("|".join(map(as_pattern, names_of(kind))))
    return {text for text in texts if not pattern.fullmatch(text)}


def as_pattern(name: str) -> str:
    """The regular expression of a name, whose parts in braces stand for others."""
    pieces = re.split(r"\{(\w+)\}", name)
    return "".join(
        f"(?:{PARTS.get(piece, ANY)})" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)
    )
