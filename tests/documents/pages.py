"""All that is written: pages that are made from the code, and tables that are copied into pages."""

from __future__ import annotations

import re
from pathlib import Path

from mnist_mlflow.algorithms.base import algorithm_names
from tests.documents.commands import algorithm_page, commands_page
from tests.documents.functions import python_page
from tests.documents.hooks import ROOT
from tests.documents.names import NAMES
from tests.documents.reference import reference_page

DOCS = ROOT / "docs"
NOTE = "<!-- Written by `python -m tests.documents`. -->\n\n"
COPIED = re.compile(r"(<!-- copied from (\S+): (.+) -->\n)((?:\n?\|.*)*)")


def made() -> dict[Path, str]:
    """The pages that are made from the code, as they should be."""
    pages = {f"algorithms/{name}.md": algorithm_page(name) for name in algorithm_names()}
    pages |= {f"reference/{kind}.md": reference_page(kind) for kind in NAMES}
    pages |= {"reference/commands.md": commands_page(), "reference/python.md": python_page()}
    return {DOCS / name: NOTE + text for name, text in pages.items()}


def written() -> dict[Path, str]:
    """All that is written, as it should be."""
    return made() | {path: with_copies(path.read_text(encoding="utf-8")) for path in sorted(DOCS.glob("*.md"))}


def with_copies(page: str) -> str:
    """The page with the tables that it copies from other documents as they are there."""
    return COPIED.sub(lambda found: f"{found[1]}\n{first_table(found[2], found[3])}", page)


def first_table(path: str, heading: str) -> str:
    """The first table below a heading of a document."""
    text = (ROOT / path).read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.M)[1]
    found = re.search(r"(?:^\|.*\n?)+", section, re.M)
    assert found, f"{path} has no table under {heading}"
    return found[0].rstrip("\n")
