"""Runs that are made again: what is refused, what the new run is given, and how it is judged."""

import dataclasses
import json
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import mlflow
import numpy as np
import pytest
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.interrupts import stop_on_signals
from mnist_mlflow.jobs import remake
from mnist_mlflow.jobs.launch import LaunchError, Training
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.reproduce import Params, run
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.reports.reproduction import Reproduction
from mnist_mlflow.search.machine import Processes
from mnist_mlflow.tracking import parcels, provenance
from mnist_mlflow.tracking.candidates import Candidates, Query
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.origins import COMMIT
from mnist_mlflow.tracking.reproductions import find_reproductions
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import silent
from tests.conftest import ROOT
from tests.simulated import add_model, right_but
from tests.tracking.test_provenance import git

Client: TypeAlias = mlflow.MlflowClient
Command: TypeAlias = Callable[..., tuple[int, str, str]]
KNN = "mlflow run . -e knn --env-manager local -P data=auto -P n_neighbors=4"
WRONG = range(3)  # images that the original misreads
MACHINE = {"python": "3.11.7", "processor": "a", "cores": 2}
pytestmark = pytest.mark.usefixtures("temporary")


def add_original(client: Client, learned: Dataset, wrong: range = WRONG, /, **changed: str) -> str:
    """A simulated run of knn, with the environment that it had; returns its id."""
    tags = {"command": KNN, COMMIT: "0" * 40, "git_dirty": "False", "code_digest": "c", **dataset_tags(learned)}
    labels = learned.validation.labels
    run_id = add_model(client, labels, right_but(len(labels), wrong), 1.0, **(tags | changed)).run_id
    write_environment(client, run_id)
    return run_id


def write_environment(client: Client, run_id: str, numpy: str = "2.4", machine: Mapping[str, object] = {}) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "requirements.txt").write_text(f"numpy=={numpy}\n")
        (Path(folder) / "machine.json").write_text(json.dumps({**MACHINE, **machine}))
        client.log_artifacts(run_id, folder, "environment")


class Again:
    """Stands for the process that trains again: a simulated run, whose readings and environment a test decides."""

    def __init__(self, client: Client, dataset: Dataset) -> None:
        self.client, self.dataset = client, dataset
        self.wrong, self.numpy = WRONG, "2.4"
        self.changed: Mapping[str, str] = {}
        self.machine: Mapping[str, object] = {}
        self.failure = ""
        self.asked: list[tuple[str, dict[str, object]]] = []

    def __call__(self, training: Training, parent: Run, program: Processes) -> RunResult:
        self.asked.append((training.entry_point, dict(training.settings)))
        run_id = add_original(self.client, self.dataset, self.wrong, **{**training.tags, **self.changed})
        write_environment(self.client, run_id, self.numpy, self.machine)
        if self.failure:
            raise LaunchError(run_id, self.failure)
        return RunResult(run_id, "m", {})


@pytest.fixture
def again(store: Client, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> Again:
    launched = Again(store, digits)
    monkeypatch.setattr(remake, "launch", launched)
    return launched


def reproduce_here(name: str, deep: bool = False) -> Reproduction:
    return run(Params(run=name, code="here", deep=deep), silent)


def test_the_same_result_is_identical_and_both_runs_say_so(store: Client, digits: Dataset, again: Again) -> None:
    old = add_original(store, digits)
    result = reproduce_here(old[:8])
    assert result.verdict.word == "identical"
    assert again.asked == [("knn", {"data": "digits", "n_neighbors": "4"})]
    (about,) = find_reproductions(store, old)
    job, new = store.get_run(about.run_id), store.get_run(result.new.run_id)
    assert (job.data.tags["role"], job.data.tags["reproduces"]) == ("reproduction", old)
    assert (job.data.tags["reproduced_as"], job.data.tags["verdict"]) == (new.info.run_id, "identical")
    assert (new.data.tags["role"], new.data.tags["reproduces"]) == ("reproduction", old)
    assert new.data.tags["mlflow.parentRunId"] == about.run_id
    assert store.get_run(old).data.tags[f"reproduction.{about.run_id}"] == "identical"
    assert {file.path for file in store.list_artifacts(about.run_id)} >= {"verdict.json", "metrics.csv"}
    store.set_tag(result.new.run_id, "role", "model")  # as its own code may call it: it is no candidate all the same
    found = Candidates(store, Query(digits.digest, digits.split_digest))
    assert [candidate.run_id for candidate in found] == [old]


def test_planted_differences_are_named(store: Client, digits: Dataset, again: Again) -> None:
    """A changed default, another library, another thread count and other code."""
    again.changed, again.numpy, again.machine = {"code_digest": "d"}, "2.3", {"OMP_NUM_THREADS": 1}
    old = add_original(store, digits)
    store.log_param(old, "leaf_size", "30")
    assert [(one.kind, one.name, *one.values) for one in reproduce_here(old).differences] == [
        ("parameters", "leaf_size", "30", "-"),
        ("code", "package", "c", "d"),
        ("libraries", "numpy", "2.4", "2.3"),
        ("machine", "OMP_NUM_THREADS", "-", "1"),
    ]


def test_what_the_run_has_lost_is_told_and_not_called_the_same(
    store: Client, digits: Dataset, again: Again, command: Command
) -> None:
    old = add_original(store, digits)
    Path(store.get_run(old).info.artifact_uri.removeprefix("file://"), "environment", "machine.json").unlink()
    _, output, _ = command("reproduce", "--run", old, "--code", "here")
    assert "Nothing is recorded of the run's machine, which may differ." in output
    assert "The same in both runs: parameters, data, code, libraries." in output


@pytest.mark.parametrize(
    ("wrong", "word", "status"), [(range(4), "not significantly different", 0), (range(40), "different", 1)]
)
def test_images_that_change_sides_are_shown_and_decide_the_exit_status(
    wrong: range, word: str, status: int, store: Client, digits: Dataset, again: Again, command: Command
) -> None:
    again.wrong = wrong
    old = add_original(store, digits)
    code, output, errors = command("reproduce", "--run", old, "--code", "here")
    assert (code, output.splitlines()[0].split(":")[0]) == (status, word)
    assert f"{len(wrong) - len(WRONG)} of 257 images are read as another digit" in output
    assert ("does not come out again" if status else "is not the same, though not") in errors
    (job,) = store.search_runs(["0"], "tags.reproduced_as LIKE '%'")
    assert f"verdict   run {job.info.run_id}" in output
    assert job.info.status == "FINISHED"
    assert job.data.tags["changed_images"] == str(len(wrong) - len(WRONG))
    paths = {file.path for file in store.list_artifacts(job.info.run_id)}
    assert {"changed_images.csv", "changed_images.png", "differences.csv"} <= paths


KINDS: dict[str, tuple[dict[str, str], str]] = {
    "running": ({"status": "RUNNING"}, "still running. Wait for its end"),
    "failed": ({"status": "FAILED", "failure": "no memory"}, r"it is FAILED \(no memory\)"),
    "partial": ({"status": "KILLED", "partial": "1"}, "it is KILLED"),
    "a trial": ({"role": "trial", "mlflow.parentRunId": "abcd"}, "it is a trial. .* run=abcd"),
    "a selection": ({"role": "selection"}, "it chose among models. Make its winner again: run=champion"),
    "of seeds": ({"role": "seeds", "seed_runs": "abcd,efab"}, "a run for each seed. .* run=abcd"),
    "a comparison": ({"role": "comparison"}, "it trained nothing"),
    "that found another": ({"role": "reuse", "reuses": "abcd"}, "run=abcd"),
    "an evaluation": ({"role": "evaluation"}, "it trained nothing"),
    "of another program": ({"role": ""}, "its role is missing. Name a run"),
    "without a commit": ({COMMIT: ""}, "has recorded no commit: .* code=here"),
    "of a commit that is not here": ({}, "Commit 0000000000 is not in .* git fetch"),
    "whose changes are gone": ({"git_dirty": "True"}, "are gone: git/uncommitted.diff. .* code=here"),
    "of other data": ({"dataset_digest": "abcdefghij"}, "instead of abcdefgh.: its validation labels are the same"),
    "of a data set that is not here": (
        {"dataset": "other"},
        "learned from other, which is not there any more",
    ),
    "without a command": ({"command": ""}, "lost its tag `command`"),
    "without a digest": ({"dataset_digest": ""}, "lost its tag dataset_digest"),
    "of a foreign command": ({"command": "rm -rf /"}, "'rm -rf /' is not understood"),
}


def test_a_run_that_cannot_be_made_again_is_refused_in_a_line_before_a_run_is_opened(
    store: Client, digits: Dataset, again: Again, temporary: Path
) -> None:
    for changed, message in KINDS.values():
        old = add_original(store, digits, **changed)
        with pytest.raises(UserFacingError, match=message) as refusal:
            run(Params(run=old), silent)
        assert "\n" not in str(refusal.value)
    assert len(store.search_runs(["0"])) == len(KINDS)
    assert list(temporary.iterdir()) == []


def test_a_reproduction_itself_points_to_the_run_that_it_made_again(
    store: Client, digits: Dataset, again: Again
) -> None:
    old = add_original(store, digits)
    result = reproduce_here(old)
    (job,) = find_reproductions(store, old)
    with pytest.raises(UserFacingError, match=f"Type: run={old}"):
        reproduce_here(job.run_id)
    assert reproduce_here(result.new.run_id).verdict.word == "identical"


def test_a_flipped_label_is_named(store: Client, digits: Dataset, again: Again) -> None:
    labels = digits.validation.labels.copy()
    labels[17] = (labels[17] + 1) % 10
    validation = dataclasses.replace(digits.validation, labels=labels)
    flipped = dataclasses.replace(digits, validation=validation, digest="f" * 64)
    old = add_original(store, flipped)
    message = rf"1 of 257 validation labels differ \(image 17: {digits.validation.labels[17]} instead of {labels[17]}\)"
    with pytest.raises(UserFacingError, match=message):
        reproduce_here(old)


@pytest.mark.parametrize("lost", ["validation_probabilities.npz", "."])
def test_artifacts_that_are_gone_are_told_with_their_place(
    lost: str, store: Client, digits: Dataset, again: Again
) -> None:
    old = add_original(store, digits)
    place = store.get_run(old).info.artifact_uri
    (Path(place) / lost).rename(Path(place).with_name("elsewhere"))
    with pytest.raises(UserFacingError, match=f"cannot be compared .* belong in {place}"):
        reproduce_here(old)


def test_a_training_that_fails_fails_the_reproduction(store: Client, digits: Dataset, again: Again) -> None:
    old, again.failure = add_original(store, digits), "no memory"
    with pytest.raises(UserFacingError, match=f"Run {old} could not be made again: no memory"):
        reproduce_here(old)
    job, *_ = store.search_runs(["0"], f"attributes.run_name = 'reproduction of {old}'")
    assert job.info.status == "FAILED"
    assert find_reproductions(store, old) == []


def test_a_library_that_is_not_used_any_more_can_be_had(store: Client, digits: Dataset, again: Again) -> None:
    old, again.failure = add_original(store, digits), "No module named 'skops'"
    with pytest.raises(UserFacingError, match=r"No module named 'skops'\. To have the libraries .* type: env=exact$"):
        reproduce_here(old)


def test_a_run_of_somebody_else_that_takes_no_tags_is_reproduced_all_the_same(
    store: Client, digits: Dataset, again: Again, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*arguments: object) -> None:
        raise mlflow.exceptions.MlflowException("Permission denied", PERMISSION_DENIED)

    old = add_original(store, digits)
    monkeypatch.setattr(mlflow.MlflowClient, "set_tag", refuse)
    assert reproduce_here(old).verdict.is_equal
    assert "takes no tag: your account may only read it" in caplog.text
    assert len(find_reproductions(store, old)) == 1


def test_a_search_is_made_again_with_one_worker_in_a_study_of_its_own(
    store: Client, digits: Dataset, again: Again
) -> None:
    typed = " -P trials=2 -P workers=2 -P study=night -P timeout=60.0"
    old = add_original(store, digits, command=KNN + typed)
    header = "trial,state,log_loss,n_neighbors,seconds\n"
    first, second = "0,complete,0.5,8,1.0\n", "1,complete,0.25,4,1.0\n"
    tables = iter([first + "1,pruned,0.3,4,9.0\n"])
    store.log_text(old, header + first + second, "search/trials.csv")

    def launch(*arguments: object) -> RunResult:
        result = again(*arguments)  # type: ignore[arg-type]
        store.log_text(result.run_id, header + next(tables), "search/trials.csv")
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remake, "launch", launch)
        result = reproduce_here(old)
    assert again.asked[0][1] == {"data": "digits", "n_neighbors": "4", "trials": "2", "timeout": "60.0"}
    assert result.trials == [
        ("0", "complete", "complete", ""),
        ("1", "complete", "pruned", "state: complete -> pruned; log_loss: 0.25 -> 0.3"),
    ]
    assert result.same_trials == 1
    told = " ".join(result.remarks)
    for fact in ("had 2 workers", "ended by the clock", "study night"):
        assert fact in told


def test_deep_is_for_ensembles(store: Client, digits: Dataset, again: Again) -> None:
    with pytest.raises(UserFacingError, match="deep=1 makes an ensemble's members again; knn has none"):
        reproduce_here(add_original(store, digits), deep=True)


@pytest.fixture
def ensemble(store: Client, digits: Dataset) -> tuple[str, list[str]]:
    """The run of an ensemble of two, and the runs of its members."""
    members = [add_original(store, digits) for _ in range(2)]
    command = "mlflow run . -e ensemble --env-manager local"
    run_id = add_original(store, digits, command=command, algorithm="ensemble")
    rows = [f"knn,{weight},{member}" for weight, member in zip(("0.1", "0.9"), members, strict=True)]
    store.log_text(run_id, "\n".join(["algorithm,weight,run", *rows]), "members.csv")
    return run_id, members


def test_an_ensemble_has_the_members_that_it_had(store: Client, ensemble: tuple[str, list[str]], again: Again) -> None:
    run_id, (first, second) = ensemble
    assert reproduce_here(run_id).verdict.is_equal
    assert again.asked == [("ensemble", {"data": "digits", "voters": f"{first}=0.1,{second}=0.9"})]


def test_deep_makes_the_members_again_first(store: Client, ensemble: tuple[str, list[str]], again: Again) -> None:
    run_id, members = ensemble
    result = reproduce_here(run_id, deep=True)
    assert [name for name, _ in again.asked] == ["knn", "knn", "ensemble"]
    first, second = (member.new.run_id for member in result.members)
    assert again.asked[-1][1]["voters"] == f"{first}=0.1,{second}=0.9"
    assert [row[0] for row in result.members_again] == members
    assert len(find_reproductions(store, members[0])) == 1


def test_a_member_whose_model_is_gone_is_made_again_by_deep_alone(
    store: Client, ensemble: tuple[str, list[str]], again: Again
) -> None:
    run_id, members = ensemble
    store.delete_logged_model(store.get_run(members[0]).outputs.model_outputs[0].model_id)
    with pytest.raises(UserFacingError, match=f"Run {members[0]} cannot vote: its model is gone. .* deep=1"):
        reproduce_here(run_id)
    assert reproduce_here(run_id, deep=True).verdict.is_equal


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that stands for the project, whose program sleeps unless it is told otherwise."""
    folder = tmp_path / "project"
    (folder / "mnist_mlflow").mkdir(parents=True)
    (folder / "MLproject").write_text("name: x\n")
    (folder / "mnist_mlflow" / "__init__.py").touch()
    write_program(folder, "import time; time.sleep(60)")
    git(folder, "init", "-q")
    commit(folder)
    monkeypatch.setattr(remake, "project_root", lambda: folder)
    return folder


def write_program(folder: Path, code: str) -> None:
    (folder / "mnist_mlflow" / "__main__.py").write_text(f"{code}\n")


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "all")


def add_recorded(client: Client, dataset: Dataset, project: Path, code: str) -> str:
    """A simulated run of the last commit, with a program that was not committed."""
    write_program(project, code)
    patch = provenance.uncommitted_changes(project) or b""
    commit = git(project, "rev-parse", "HEAD").strip()
    git(project, "checkout", "-q", ".")
    run_id = add_original(client, dataset, git_dirty="True", **{COMMIT: commit})
    client.log_text(run_id, patch.decode(), "git/uncommitted.diff")
    return run_id


ENDINGS = {
    "killed": ("import os; os.kill(os.getpid(), 9)", UserFacingError, "FAILED"),
    "interrupted": (
        f"import os, time; os.kill(os.getppid(), {signal.SIGINT:d}); time.sleep(60)",
        KeyboardInterrupt,
        "KILLED",
    ),
    "terminated": (
        f"import os, time; os.kill(os.getppid(), {signal.SIGTERM:d}); time.sleep(60)",
        SystemExit,
        "KILLED",
    ),
}


LEAVES_A_PARCEL = """
from pathlib import Path
folder = Path("unsent/0123")
folder.mkdir(parents=True)
(folder / "parcel.json").write_text("{}")
raise SystemExit(1)
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_ends_it_no_run_stays_open_and_no_folder_is_left(
    ending: str, store: Client, digits: Dataset, project: Path, temporary: Path, signals: None
) -> None:
    """The recorded program ends itself, or the process that waits for it."""
    code, error, status = ENDINGS[ending]
    old = add_recorded(store, digits, project, code)
    stop_on_signals()
    with pytest.raises(error):
        run(Params(run=old), silent)
    runs = {stored.info.run_name: stored for stored in store.search_runs(["0"], "tags.reproduces LIKE '%'")}
    assert (runs[f"reproduction of {old}"].info.status, runs["knn"].info.status) == (status, "FAILED")
    assert runs["knn"].data.tags["failure"] == "its process ended without a word"
    assert list(temporary.iterdir()) == []
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_result_that_the_store_did_not_take_is_kept(
    store: Client, digits: Dataset, project: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded program leaves it in its own folder, which goes away."""
    monkeypatch.setattr(parcels, "project_root", lambda: project)
    old = add_recorded(store, digits, project, LEAVES_A_PARCEL)
    place = project / "unsent" / "0123"
    with pytest.raises(UserFacingError, match=f"is kept in {place}\\. .* python -m mnist_mlflow recover"):
        run(Params(run=old), silent)
    assert (place / "parcel.json").exists()
    assert list(temporary.iterdir()) == []


def test_a_run_of_another_commit_with_changes_comes_out_again(
    store: Client, project: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    """The committed code has another default, which the recorded patch sets right: without it nothing is the same."""
    shutil.rmtree(project / "mnist_mlflow")
    shutil.copy(ROOT / ".gitignore", project)
    shutil.copytree(ROOT / "mnist_mlflow", project / "mnist_mlflow", ignore=shutil.ignore_patterns("__pycache__"))
    knn = project / "mnist_mlflow" / "algorithms" / "knn.py"
    good = knn.read_text()
    knn.write_text(good.replace("integer(8, 1, 100", "integer(30, 1, 100"))
    commit(project)
    knn.write_text(good)
    patch, head = provenance.uncommitted_changes(project) or b"", git(project, "rev-parse", "HEAD").strip()
    git(project, "checkout", "-q", ".")
    old = train(Task("knn", {}, DataOptions("digits", train_size=200)), silent).run_id
    store.log_text(old, patch.decode(), "git/uncommitted.diff")
    store.set_tag(old, COMMIT, head)
    store.set_tag(old, "git_dirty", "True")
    monkeypatch.chdir(temporary.parent)
    result = run(Params(run=old), silent)
    assert result.verdict.word == "identical"
    assert [one for one in result.differences if one.kind != "libraries"] == []
    assert (result.new.commit, result.new.tags["git_dirty"]) == (head, "True")
    assert np.array_equal(*result.probabilities)
    assert list(temporary.iterdir()) == []
