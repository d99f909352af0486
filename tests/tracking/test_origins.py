"""What runs have recorded of their making, and the differences."""

import dataclasses
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.tracking.origins import Difference, Origin, differences, read_origin

TAGS = {"dataset": "digits", "dataset_digest": "d", "split_digest": "s", "git_dirty": "False", "code_digest": "c"}


def origin(store: Client, folder: Path, **tags: str) -> Origin:
    """The origin of a run with these tags, one param and one package."""
    run = store.create_run("0", tags={**TAGS, "mlflow.source.git.commit": "abc", **tags})
    store.log_param(run.info.run_id, "data", "auto")
    (folder / "environment").mkdir(exist_ok=True)
    (folder / "environment" / "requirements.txt").write_text("Scikit_Learn==1.9\n")
    (folder / "environment" / "machine.json").write_text(json.dumps({"cores": 2}))
    (folder / "git").mkdir(exist_ok=True)
    (folder / "git" / "uncommitted.diff").write_text(" M code.py\n")
    store.log_artifacts(run.info.run_id, str(folder))
    return read_origin(store.get_run(run.info.run_id))


def test_an_origin_has_all_that_the_run_has_recorded(store: Client, tmp_path: Path) -> None:
    read = origin(store, tmp_path, git_dirty="True")
    assert read.commit == "abc"
    assert read.patch == b" M code.py\n"
    assert read.facts == {
        "parameters": {"data": "digits"},
        "data": {"dataset": "digits", "dataset_digest": "d", "split_digest": "s"},
        "code": {"commit": "abc", "work tree": "changed (70620970)", "package": "c"},
        "libraries": {"scikit-learn": "1.9"},
        "machine": {"cores": "2"},
    }


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("parameters", "C", "5"),
        ("data", "dataset_digest", "other"),
        ("code", "commit", "def"),
        ("libraries", "scikit-learn", "1.8"),
        ("machine", "OMP_NUM_THREADS", "1"),
    ],
)
def test_a_fact_that_differs_is_named_with_its_values(
    kind: str, name: str, value: str, store: Client, tmp_path: Path
) -> None:
    first = origin(store, tmp_path)
    second = dataclasses.replace(first, facts={**first.facts, kind: {**first.facts[kind], name: value}})
    assert differences([first, first]) == []
    before = first.facts[kind].get(name, "-")
    assert differences([first, second, first]) == [Difference(kind, name, (before, value, before))]


def test_nothing_is_told_of_what_a_run_has_lost(store: Client, tmp_path: Path) -> None:
    whole = origin(store, tmp_path)
    lost = read_origin(store.create_run("0", tags=whole.tags))
    assert lost.facts["libraries"] == {}
    assert [one.kind for one in differences([whole, lost])] == []


def test_a_damaged_list_of_libraries_counts_as_lost(store: Client, tmp_path: Path) -> None:
    run = store.create_run("0", tags=TAGS)
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe numpy")
    store.log_artifact(run.info.run_id, str(tmp_path / "requirements.txt"), "environment")
    assert read_origin(store.get_run(run.info.run_id)).facts["libraries"] == {}
