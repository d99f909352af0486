"""Sections: the parts of a card or a page, and their Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

from mnist_mlflow.reports.markdown import escaped, table

LONGEST = 5_000  # characters of a description, in MLflow's tables
DISPENSABLE = (  # as long as there is no room, what is least needed first
    "What it confuses",
    "Digit by digit",
    "Parameters",
    "What it learned from",
    "When it is sure",
    "How it was chosen",
    "Where it fails",
    "Examinations",
)


@dataclass(frozen=True)
class Section:
    """A part of the card: a title, text, and a table."""

    title: str
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    code: str = ""


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The card as Markdown, as the MLflow UI shows it."""
    return "\n\n".join([f"# {escaped(title)}", *_parts(sections)]) + "\n"


def _parts(sections: Sequence[Section]) -> list[str]:
    parts = []
    for section in sections:
        parts += [f"## {section.title}"] if section.title else []
        parts += [escaped(section.text)] if section.text else []
        parts += [table(section.rows, section.head)] if section.rows else []
        parts += [indent(section.code, "    ", lambda line: True)] if section.code else []
    return parts


def shortened(first: str, sections: Sequence[Section], where: str, dispensable: Sequence[str] = DISPENSABLE) -> str:
    """The card, without dispensable sections if MLflow has no room.

    The first line is a sentence: the UI's tables show it as it is, without Markdown. The last says `where` the whole
    is.
    """
    rest = list(sections)
    for left_out in (None, *dispensable):
        rest = [section for section in rest if section.title != left_out]
        if len(text := "\n\n".join([escaped(first), *_parts(rest), where]) + "\n") <= LONGEST:
            return text
    return f"{text[: LONGEST - len(where) - 3]}\n\n{where}\n"
