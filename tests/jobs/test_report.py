import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.report import report
from mnist_mlflow.jobs.select import Request, select
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    tasks = [Task("knn", {"n_neighbors": count}, DataOptions("digits", train_size=200)) for count in (3, 60)]
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks)


@pytest.fixture
def page(trained_store: Client, tmp_path: Path) -> str:
    select("digits", Request(), silent)
    path = report(str(tmp_path / "page.html"))
    assert path == tmp_path / "page.html"
    return path.read_text()


class Tags(HTMLParser):
    """Every opening tag with its attributes, and whether all are closed in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_page_needs_nothing_else(page: str) -> None:
    tags = Tags(page)
    assert tags.open == []
    assert {source["src"][:22] for source in tags.all("img") if source["src"]} == {"data:image/png;base64,"}
    assert not tags.all("script")
    assert not tags.all("link")
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", page)


def test_it_can_be_read_by_everybody_everywhere(page: str) -> None:
    tags = Tags(page)
    assert tags.all("html")[0]["lang"] == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in tags.all("meta")
    assert "prefers-color-scheme: dark" in page
    assert all(image["alt"] for image in tags.all("img"))
    assert len(tags.all("h1")) == 1
    assert {heading["scope"] for heading in tags.all("th")} == {"col", "row"}
    assert all(region["aria-labelledby"] in page for region in tags.all("div") if region.get("role") == "region")


def test_it_tells_what_the_store_knows(page: str, trained_store: Client) -> None:
    for expected in ("mnist-digits, version 1: knn", "Leaderboard", "Digit by digit", "the most accurate", "-P seed=0"):
        assert expected in page
    champion = Registry(trained_store).champion()
    assert champion
    assert page.count(champion.run_id) == 2  # how it was chosen, and how to have it again
    assert f"<td>{champion.run_id[:8]}</td>" in page
    assert len(Tags(page).all("img")) == 4


def test_it_is_kept_in_a_run_of_its_own(page: str, trained_store: Client, tmp_path: Path) -> None:
    (run,) = trained_store.search_runs(["0"], "tags.role = 'report'")
    fetched = trained_store.download_artifacts(run.info.run_id, "report.html", str(tmp_path))
    assert Path(fetched).read_text() == page


def test_what_was_never_selected_cannot_be_reported_on(trained_store: Client, outcomes: list[RunResult]) -> None:
    registry = Registry(trained_store)
    with pytest.raises(UserFacingError, match=r"no champion to report on.* mlflow run \. -e select"):
        report("page.html")
    candidate = as_candidate(trained_store, outcomes[0].run_id, outcomes[0].model_id)
    registry.crown(registry.register(candidate, "", {}))
    with pytest.raises(UserFacingError, match="was not chosen by `select`"):
        report("page.html")
    with pytest.raises(UsageError, match="there is no folder /nowhere"):
        report("/nowhere/page.html")


def test_what_is_in_the_store_is_text_and_no_markup(
    trained_store: Client, outcomes: list[RunResult], tmp_path: Path
) -> None:
    for outcome in outcomes:
        trained_store.set_tag(outcome.run_id, "engine", "<script>alert(1)</script>")
    select("digits", Request(), silent)
    assert "&lt;script&gt;" in report(str(tmp_path / "page.html")).read_text()
