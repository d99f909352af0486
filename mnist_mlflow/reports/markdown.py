"""Markdown of texts that may be anybody's: tags and params of other people's runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tabulate import tabulate

SPECIAL = re.compile(r"[\\`|<>\[\]]")  # what makes code, columns, HTML, links and pictures


def escaped(text: str) -> str:
    """A text in one line that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """A table whose cells Markdown shows as they are; a description of MLflow has no room for more spaces."""
    cells = [[escaped(cell) for cell in row] for row in rows]
    padded: str = tabulate(cells, [escaped(cell) for cell in head], "github", disable_numparse=True)
    first, rule, *rest = (" ".join(line.split()) for line in padded.splitlines())
    return "\n".join([first, re.sub("-+", "---", rule), *rest])
