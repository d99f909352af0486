"""Documents agree with the program, with one another, and with what was measured."""

import json
import re
from typing import Any

import pytest

from benchmarks.report.compare import mean_accuracy, typical
from benchmarks.targets import ROWS, Row
from mnist_mlflow.algorithms.base import algorithm_names, get_algorithm
from mnist_mlflow.cli import commands as cli
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS
from mnist_mlflow.jobs import job_docstrings
from tests.conftest import ROOT
from tests.documents.blocks import DOCUMENTS, EXAMPLE, OURS, commands
from tests.documents.pages import made, written
from tests.simulated import Client
from tests.test_agreement import ENTRY_POINTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BY_HAND = [path for path in DOCUMENTS if path not in made()]
MEASURED: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_what_is_written_by_a_program_is_up_to_date() -> None:
    stale = [path.name for path, text in written().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "type: python -m tests.documents"
    folders = [ROOT / "docs" / name for name in ("algorithms", "reference")]
    assert {path for folder in folders for path in folder.iterdir()} == set(made())


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_documents_written_by_hand_show_every_command() -> None:
    typed = [words for path in BY_HAND for words in commands(path.read_text(encoding="utf-8"))]
    shown = {words[3] for words in typed if words[0] == "python"}
    runs = {" ".join(words) for words in typed if words[0] == "mlflow"}
    entered = {found[1] if (found := re.search(r" -e (\w+)", command)) else "main" for command in runs}
    assert entered | {EXAMPLE} == {*ENTRY_POINTS, EXAMPLE}
    assert shown | entered >= {*job_docstrings(), *algorithm_names()}
    assert shown <= set(cli.commands.commands) | {EXAMPLE}


def test_readme_has_a_row_for_every_algorithm() -> None:
    for name in algorithm_names():
        assert re.search(rf"^\| `{name}` \|.*`{OURS[0]}\. -e {name} --env-manager local`", README, re.M), name


def rows_of_readme() -> dict[str, list[str]]:
    """The cells of README's table of algorithms by their first."""
    rows = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\| (`\w+`.*)\|$", README, re.M)]
    return {cells[0]: cells for cells in rows}


def seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 2 else f"{value:.2g} s"


def title(row: Row) -> str:
    return f"`{row.algorithm}`, `recipe=accurate`" if row.params else f"`{row.algorithm}`"


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_the_figures_of_readme_are_those_of_the_benchmark(row: Row) -> None:
    ours, peer = MEASURED[row.name]["ours"], MEASURED[row.algorithm]["peer"]
    _, _, accuracy, fit, predict, size, _ = rows_of_readme()[title(row)]
    assert accuracy == f"{mean_accuracy(ours):.2f} % ({mean_accuracy(peer):.2f} %)"
    times = ("fit_seconds", "predict_seconds")
    expected = [f"{seconds(typical(ours, key))} ({seconds(typical(peer, key))})" for key in times]
    assert [fit, predict] == expected
    assert float(size.removesuffix(" MB")) == pytest.approx(typical(ours, "model_mb"), rel=0.2)


@pytest.mark.parametrize("name", [name for name in algorithm_names() if name in MEASURED])
def test_the_seconds_that_an_algorithm_announces_are_those_of_the_benchmark(name: str) -> None:
    announced, measured = getattr(get_algorithm(name), "SECONDS", None), typical(MEASURED[name]["ours"], "fit_seconds")
    assert announced is None or announced == pytest.approx(measured, rel=0.1)


def test_an_algorithm_that_was_not_measured_has_no_figures_in_readme() -> None:
    measured = {title(row) for row in ROWS.values() if row.name in MEASURED} | {"`ensemble`"}
    for name, cells in rows_of_readme().items():
        assert name in measured or not "".join(cells[2:6]), f"{name}: leave the cells empty, or measure"


def test_the_ensemble_of_readme_is_that_of_the_benchmark() -> None:
    accuracy = MEASURED["ensemble"]["models"]["ensemble"]["test_accuracy"]
    assert rows_of_readme()["`ensemble`"][2:6] == [f"{100 * accuracy:.2f} %", "", "", ""]


def test_every_corruption_is_documented() -> None:
    rows = re.findall(r"^\| (`.*`) \|", (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8"), re.M)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == list(CORRUPTIONS)


def test_every_notebook_is_on_its_page() -> None:
    shown = re.findall(r"\(\.\./notebooks/(\w+)\.ipynb\)", (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8"))
    assert shown == [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def test_the_filters_that_compare_shows_are_what_mlflow_understands(store: Client) -> None:
    _, _, table = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8").partition("| filter |")
    filters = re.findall(r"^\| `(.*)` \|", table, re.M)
    assert len(filters) > 3
    for condition in filters:
        store.search_runs(["0"], condition)


def test_every_target_that_a_document_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.M))
    for path in DOCUMENTS:
        code = " ".join(re.findall(r"```bash\n.*?```|`[^`\n]+`", path.read_text(encoding="utf-8"), re.S))
        assert set(re.findall(r"(?<![\w-])make ([a-z]+)\b", code)) <= targets, path


def test_what_make_does_can_be_typed_without_it() -> None:
    _, _, section = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("## Without make")
    parallel = re.findall(r"^PARALLEL := (.*)", MAKEFILE, re.M)[0]
    recipes = re.findall(r"^\t(.*)", MAKEFILE.replace("$(PARALLEL)", parallel), re.M)
    made_of = {recipe.replace("$(PYTHON)", "python").replace(" --quiet", "") for recipe in recipes}
    typed = section.split("```")[1].splitlines()[1:]
    lines = [line.split("  #")[0].strip() for line in typed]
    assert set(lines) - made_of == {"source .venv/bin/activate"}


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", document.read_text(encoding="utf-8")):
            assert "://" in link or (document.parent / link).exists(), (document.name, link)
