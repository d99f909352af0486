"""Hooks of mkdocs: documents from outside of docs/ are pages too, and links find their way between all of them.

A link is written as it works in the repository. On the site it leads to the page of its target. A target that has
none, such as a program, keeps its text alone.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ADDED = {  # in the site, from the repository
    "results.md": "benchmarks/RESULTS.md",
    "growth.png": "benchmarks/growth.png",
    "changes.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let the menu list the page of each algorithm."""
    pages = [{path.stem: f"algorithms/{path.name}"} for path in sorted((ROOT / "docs" / "algorithms").glob("*.md"))]
    config.nav = [{"Algorithms": pages} if "Algorithms" in section else section for section in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents from outside."""
    for place, source in ADDED.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to pages of the site."""
    places = {source: place for place, source in ADDED.items()}
    source = ADDED.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def lead(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[3]))
        if not (ROOT / target).exists():  # mkdocs complains about it, unless it is code
            return link[0]
        place = places.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else "")
        start = posixpath.dirname(page.file.src_uri) or "."
        return f"{link[1]}[{link[2]}]({posixpath.relpath(place, start)}{link[4] or ''})" if place else link[2]

    return LINK.sub(lead, markdown)
