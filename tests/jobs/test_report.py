import html
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs import evaluate
from mnist_mlflow.jobs.corruptions import CorruptionScores
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.report import Params, run
from mnist_mlflow.protocol import REGISTERED_MODEL, DataOptions
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.registry import Registry, alias_uri
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy
from tests.selected import Selected, connected, select_in_copy

Client: TypeAlias = mlflow.MlflowClient


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    tasks = [Task("knn", {"n_neighbors": count}, DataOptions("digits", train_size=200)) for count in (3, 60)]
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks, drawn=True)


@pytest.fixture(scope="module")
def selected(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Selected:
    return select_in_copy(trained, tmp_path_factory.mktemp("selected"))


@pytest.fixture(scope="module")
def page(selected: Selected, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "page.html"
    with connected(selected.path):
        assert run(Params(out=path), silent) == path
    return path.read_text()


class Tags(HTMLParser):
    """Every opening tag with its attributes, and whether all are closed in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opening: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opening.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.opening if name == tag]


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
    assert all(
        f'id="{region["aria-labelledby"]}"' in page for region in tags.all("div") if region.get("role") == "region"
    )


def test_it_tells_what_the_store_knows(page: str, selected: Selected) -> None:
    for expected in (
        "mnist-digits, version 1: knn",
        "Leaderboard",
        "Digit by digit",
        "The champion of mnist-digits is version 1. knn reads ",
        "All figures are of the 1,797 bundled digits.",
        "The rule that chose it: the most accurate, then the fastest, of the models that are not significantly worse",
        "-P train_size=200",
    ):
        assert expected in page
    champion = selected.selection.decision.choice.winner.candidate
    assert page.count(champion.run_id) == 4  # how it was chosen, and how to have it again
    assert (
        f"Not yet. Type:</p>\n<pre><code>mlflow run . -e reproduce --env-manager local -P run={champion.run_id}" in page
    )
    assert f">{champion.run_id[:8]}</td></tr>" in page
    assert page.count('<tr class="chosen">') == 1
    assert len(Tags(page).all("img")) == 5


def test_the_champion_is_loaded_by_what_stands_there(
    page: str, selected: Selected, capsys: pytest.CaptureFixture[str]
) -> None:
    section = page[page.index(">Load it</h2>") :]
    code = html.unescape(section[section.index("<code>") + len("<code>") : section.index("</code>")])
    assert f'load_model("{alias_uri(CHAMPION, REGISTERED_MODEL)}")' in code
    with connected(selected.path):
        mlflow.set_tracking_uri("sqlite:////nowhere/mlflow.db")
        exec(code, {})
    assert "confidence" in capsys.readouterr().out


def test_the_leaderboard_has_few_columns_and_on_a_telephone_fewer(page: str) -> None:
    board = page[page.index('id="leaderboard"') : page.index(">Figures</h2>")]
    columns = re.findall(r'<th scope="col" class="([^"]*)">([^<]*)</th>', board)
    assert 10 <= len(columns) <= 13
    on_telephones = [title.replace("\u00a0", " ") for classes, title in columns if "on-wide" not in classes]
    assert on_telephones == ["algorithm", "accuracy %", "test accuracy %", "ms/image"]


def test_it_says_by_whom_the_champion_was_made_again(selected: Selected, tmp_path: Path) -> None:
    champion = selected.selection.decision.choice.winner.candidate.run_id
    with connected(Path(shutil.copy(selected.path, tmp_path))) as client:
        tags = {"reproduces": champion, "verdict": "identical", "mlflow.user": "ada"}
        again = client.create_run("0", tags=tags, start_time=1_000_000_000_000).info.run_id
        page = run(Params(out=tmp_path / "page.html"), silent).read_text()
    assert (
        f'<th scope="row">identical</th><td>ada</td><td>2001-09-09 01:46 UTC</td><td class="long">{again}</td>' in page
    )
    assert "Not yet" not in page


def test_it_says_where_the_champion_fails(
    page: str, selected: Selected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_mlflow.jobs.corruptions.MOST_IMAGES", 10)
    with connected(Path(shutil.copy(selected.path, tmp_path))):
        scores = evaluate.run(evaluate.Params(data="digits", corruptions=True), silent)
        with_failures = run(Params(out=tmp_path / "page.html"), silent).read_text()
    assert isinstance(scores, CorruptionScores)
    assert "Where it fails" not in page
    assert f"it reads {100 * scores.metrics['val_accuracy_corrupted']:.2f} % right." in with_failures
    assert len(Tags(with_failures).all("img")) == len(Tags(page).all("img")) + 1


def test_it_is_logged_in_a_run_of_its_own(page: str, selected: Selected, tmp_path: Path) -> None:
    with connected(selected.path) as client:
        (recorded,) = client.search_runs(["0"], "tags.role = 'report'")
        fetched = client.download_artifacts(recorded.info.run_id, "report.html", str(tmp_path))
    assert Path(fetched).read_text() == page


def test_what_was_never_selected_cannot_be_reported_on(trained_store: Client, outcomes: list[RunResult]) -> None:
    registry = Registry(trained_store)
    with pytest.raises(UserFacingError, match=r"no champion of mnist-digits to report on.* mlflow run \. -e select"):
        run(Params(), silent)
    registry.create()
    candidate = as_candidate(trained_store.get_run(outcomes[0].run_id), outcomes[0].model_id)
    registry.create()
    registry.make_champion(registry.register(candidate, "", {}))
    with pytest.raises(UserFacingError, match="was not chosen by `select`"):
        run(Params(), silent)
    with pytest.raises(UsageError, match="there is no folder /nowhere"):
        run(Params(out=Path("/nowhere/page.html")), silent)


def test_what_is_in_the_store_is_text_and_no_markup(
    selected: Selected, outcomes: list[RunResult], tmp_path: Path
) -> None:
    with connected(Path(shutil.copy(selected.path, tmp_path))) as client:
        for outcome in outcomes:
            client.set_tag(outcome.run_id, "engine", "<script>alert(1)</script>")
        client.set_model_version_tag("mnist-digits", "1", "test_accuracy", "good")
        page = run(Params(out=tmp_path / "page.html"), silent).read_text()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
