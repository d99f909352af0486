"""The site of docs/ is whole, and asks nothing of other places."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.conftest import ROOT
from tests.documents.hooks import ADDED

RESOURCES = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
OF_STYLES = re.compile(r"url\(\s*[\"']?(https?:)?//|@import\s+[\"'](https?:)?//")
SECTIONS = [pages for section in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"] for pages in section.values()]
MENU = [entry for pages in SECTIONS for page in pages for entry in page.items()]


class Resources(HTMLParser):
    """What a page loads, by its addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if name := RESOURCES.get(tag):
            self.addresses += [value for key, value in attrs if key == name and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    documents = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert all((site / path).exists() for path in documents)
    assert all((site / f"{name}.html").exists() for name in ("results", "changes", "contributing"))


@pytest.mark.parametrize(("name", "path"), MENU)
def test_a_page_is_called_what_the_menu_calls_it(name: str, path: str) -> None:
    text = (ROOT / ADDED.get(path, f"docs/{path}")).read_text(encoding="utf-8")
    assert re.findall(r"^# (.*)", text, re.M)[0] == name


def test_pages_and_styles_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Resources()
        page.feed(path.read_text(encoding="utf-8"))
        assert [address for address in page.addresses if re.match(r"(https?:)?//", address)] == [], path
        assert all((path.parent / address).exists() for address in page.addresses if path.name != "404.html"), path
    for path in site.rglob("*.css"):
        assert not OF_STYLES.search(path.read_text(encoding="utf-8")), path
