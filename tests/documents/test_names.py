"""The reference of metrics, tags and artifacts is whole: what runs log is in it, and what is in it is in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import report, select
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions, SearchOptions
from mnist_mlflow.search.plots import PLOTS
from mnist_mlflow.types import silent
from tests.conftest import ROOT, Trained, train_into_copy
from tests.documents.names import names_of, unknown
from tests.simulated import Client

SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "mnist_mlflow").rglob("*.py"))}
CODE = "\n".join(SOURCES.values())
PREFIXES = re.compile(
    r"^(val|test|own|tuning|stage|validation|champion|challenger)_|_(low|high|std|corrected|corrupted)$|\{\w+\}"
)
MLFLOW_OWN = "mlflow."
FILE = re.compile(r'"(?:[\w-]+/)*([\w-]+\.(?:csv|diff|html|json|keras|md|npz|png|txt|ubj))"')
NOT_LOGGED = {  # files of people, in the files of a model, and of processes
    *("labels.csv", "photo.png", "abstention.npz", "model.json", "weights.json"),
    *("table.npz", "owner.json", "parcel.json"),
}
TABLES = re.compile(r'Section\(\s*"([A-Z][^"]*)"')  # of a comparison, files that are named after their titles
COMPARISON = ("comparison.py", "differences.py", "pairs.py", "searches.py")
WITHOUT_ROWS = "What could not be compared"


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A store with a run and its pictures."""
    task = Task("knn", {}, DataOptions("digits", train_size=200))
    return train_into_copy(new_store, tmp_path_factory.mktemp("names"), task, drawn=True)


def files_of(client: Client, run_id: str, folder: str = "") -> Iterator[str]:
    for file in client.list_artifacts(run_id, folder):
        if file.is_dir:
            yield from files_of(client, run_id, file.path)
        else:
            yield file.path


def test_all_that_runs_log_is_in_the_reference(
    trained_store: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(Task("logistic", {}, DataOptions("digits", train_size=200, trials=2), SearchOptions()), silent)
    select.run(select.Params(data="digits"), silent)
    report.run(report.Params(out=tmp_path / "report.html"), silent)
    runs = trained_store.search_runs(["0"])
    assert {run.data.tags["role"] for run in runs} == {"model", "trial", "selection", "report"}
    tags = {tag for run in runs for tag in run.data.tags if not tag.startswith(MLFLOW_OWN)}
    assert unknown("metrics", {name for run in runs for name in run.data.metrics}) == set()
    assert unknown("tags", tags) == set()
    assert unknown("artifacts", {file for run in runs for file in files_of(trained_store, run.info.run_id)}) == set()


def written_tags() -> Iterator[str]:
    """The tags that the code writes by their names: keys of dicts that are handed to a function for tags."""
    for text in SOURCES.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("set_tags", "open_run"):
                dicts = [one for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Dict)]
                yield from (str(key.value) for one in dicts for key in one.keys if isinstance(key, ast.Constant))


def test_every_tag_that_the_code_names_is_in_the_reference() -> None:
    tags = {tag for tag in written_tags() if not tag.startswith(MLFLOW_OWN)}
    assert len(tags) > 10
    assert unknown("tags", tags) == set()


def test_every_file_that_the_code_names_is_in_the_reference() -> None:
    names = {name.split("/")[-1] for name in names_of("artifacts")}
    assert set(FILE.findall(CODE)) - names == NOT_LOGGED


def test_every_picture_of_a_search_and_table_of_a_comparison_is_in_the_reference() -> None:
    reports = [text for path, text in SOURCES.items() if path.parent.name == "reports" and path.name in COMPARISON]
    titles = {title for text in reports for title in TABLES.findall(text)} - {WITHOUT_ROWS}
    files = {re.sub(r"\W+", "_", title.lower()) + ".csv" for title in titles}
    assert len(files) == 9
    assert unknown("artifacts", files | {f"search/{name}.png" for name in PLOTS}) == set()


@pytest.mark.parametrize("kind", ["metrics", "tags", "artifacts"])
def test_what_is_in_the_reference_is_in_the_code(kind: str) -> None:
    for name in names_of(kind):
        parts = PREFIXES.sub(" ", name.split("/")[-1].rsplit(".", 1)[0]).strip(" _.")
        words = [part.strip("_") for part in parts.split()]
        assert all(word in CODE or word.replace("_", " ") in CODE.lower() for word in words), name  # a heading, perhaps


def test_a_name_without_a_meaning_is_found() -> None:
    assert unknown("metrics", ["val_f1_3", "val_accuracy_blur_2", "val_luck"]) == {"val_luck"}
    assert unknown("artifacts", ["pictures/001-page.png", "plots/luck.png"]) == {"plots/luck.png"}
