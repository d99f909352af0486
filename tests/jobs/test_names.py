"""Students on one store: each has a champion and an experiment, and is told of no neighbour's runs."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import ParameterError, UsageError, UserFacingError
from mnist_mlflow.jobs import compare, ensemble, evaluate, launch, report, reproduce, select
from mnist_mlflow.jobs import main as main_job
from mnist_mlflow.jobs.originals import Original
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions, Names
from mnist_mlflow.tracking.aliases import CHAMPION, PREVIOUS
from mnist_mlflow.tracking.finished import FinishedRuns
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.signatures import read_signatures
from mnist_mlflow.tracking.store import registry_lock
from mnist_mlflow.types import silent
from tests.conftest import Trained, open_copy, train_into_copy
from tests.selected import choose, connected
from tests.simulated import Client, add_run
from tests.slots import Slots

SMALL = DataOptions("digits", train_size=200)
ADA, BOB = (Names(registered_model=f"{name}-digits", experiment=name) for name in ("ada", "bob"))


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of each of two students in an experiment of the name, which made it champion of a model of the name."""
    path = train_into_copy(new_store, tmp_path_factory.mktemp("names")).path
    outcomes = []
    with connected(path), pytest.MonkeyPatch.context() as patch:
        for names, neighbours in ((ADA, 3), (BOB, 100)):
            patch.setenv("MLFLOW_EXPERIMENT_NAME", names.experiment)
            outcomes.append(train(Task("knn", {"n_neighbors": neighbours}, SMALL), silent))
            choose(**vars(names))
    return Trained(path, outcomes)


@pytest.fixture
def students(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the store of two students."""
    yield from open_copy(trained.path, tmp_path, monkeypatch)


def number_of(client: Client, experiment: str) -> str:
    return str(client.get_experiment_by_name(experiment).experiment_id)


def experiment_of(client: Client, role: str) -> str:
    """The name of the experiment of the only run with a role."""
    numbers = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(numbers, f"tags.role = '{role}'")
    return str(client.get_experiment(run.info.experiment_id).name)


def test_each_student_has_a_champion_and_overlooks_no_neighbours_runs(students: Client, trained: Trained) -> None:
    champions = [students.get_model_version_by_alias(one.registered_model, CHAMPION).run_id for one in (ADA, BOB)]
    assert champions == [outcome.run_id for outcome in trained.outcomes]
    add_run(students, 0.99, experiment=number_of(students, "bob"), split_digest="other")
    late = students.create_run(number_of(students, "bob"), tags={"role": "model"}).info.run_id
    alone = choose(dry_run=True, **vars(ADA)).decision
    assert (alone.unconsidered, alone.not_comparable, len(alone.choice.entries)) == ([], [], 1)
    among_all = choose(dry_run=True, registered_model=ADA.registered_model).decision
    assert late in {one.run_id for one in among_all.unconsidered}
    assert (len(among_all.not_comparable), len(among_all.choice.entries)) == (1, 2)


def test_what_reads_the_registry_means_the_model_that_is_named(
    students: Client, trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, bob = (outcome.run_id for outcome in trained.outcomes)
    assert evaluate.run(evaluate.Params(data="digits", **vars(BOB)), silent).model == "models:/bob-digits@champion"
    assert experiment_of(students, "evaluation") == "bob"
    page = report.run(report.Params(out=tmp_path / "page.html", **vars(BOB)), silent).read_text()
    assert "bob-digits, version 1: knn" in page
    assert f"-P run={bob}" in page
    names = {"runs": ("champion", "models:/ada-digits@champion"), "out": tmp_path / "compare.html", **vars(BOB)}
    sides = compare.run(compare.Params(**names), silent)
    assert (bob[:8] in str(sides.comparison.sections), ada[:8] in str(sides.comparison.sections)) == (True, True)


def test_reproduce_makes_the_champion_that_is_named_again_in_the_experiment(
    students: Client, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(original: Original, program: object, parent: Run) -> None:
        raise UserFacingError(f"{original.origin.run_id} into {parent.experiment}")

    monkeypatch.setattr(reproduce, "make_again", stop)
    with pytest.raises(UserFacingError, match=f"{trained.outcomes[1].run_id} into {number_of(students, 'bob')}"):
        reproduce.run(reproduce.Params(code="here", **vars(BOB)), silent)


def test_every_command_to_type_has_the_names_that_were_given(
    students: Client, command: Callable[..., tuple[int, str, str]]
) -> None:
    given = "--registered_model=ada-digits", "--experiment=ada"
    typed = ("select", "--data=digits", *given)
    _, output, _ = command(*typed)
    assert 'mnist_mlflow.load(registered_model="ada-digits")' in output
    for lines in (output, command(*typed, "--dry_run=1")[1]):
        for line in lines.splitlines():
            assert "-m mnist_mlflow" not in line or line.endswith(" ui") or all(name in line for name in given), line
    for refused, status in (
        (("select", "--rollback=1", "--registered_model=new", "--experiment=ada"), 1),
        (("report", "--registered_model=new", "--experiment=ada"), 1),
        (("select", "--data=digits", "--registered_model=new", "--experiment=ada", "--algorithms=svm"), 1),
    ):
        ended, _, errors = command(*refused)
        assert (ended, "--registered_model=new" in errors, "--experiment=ada" in errors) == (status, True, True), errors


@pytest.mark.parametrize("name", ["", "..", "a/b", "a:b", "a@b", "a b", "x" * 151])
def test_an_impossible_name_is_refused_before_there_is_a_run(name: str) -> None:
    for params in (select.Params, report.Params, evaluate.Params, reproduce.Params, compare.Params, main_job.Params):
        with pytest.raises(ParameterError, match=r"registered_model: .* is not a name of letters"):
            params(registered_model=name)


def test_an_experiment_that_is_not_there_is_refused_where_runs_are_chosen_and_made_where_they_go(
    students: Client, trained: Trained
) -> None:
    for job, params in (
        (select, select.Params(data="digits", experiment="nobody")),
        (ensemble, ensemble.Params(data="digits", experiment="nobody")),
    ):
        with pytest.raises(UsageError, match="no experiment 'nobody' in the store; accepted: Default, ada, bob"):
            job.run(params, silent)
    assert students.get_experiment_by_name("nobody") is None
    evaluate.run(evaluate.Params(data="digits", registered_model="ada-digits", experiment="new"), silent)
    assert experiment_of(students, "evaluation") == "new"


def test_a_run_that_lies_elsewhere_says_so(
    students: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "bob")
    with caplog.at_level(logging.WARNING), open_run("main", {}, "ada") as run:
        assert run.experiment == number_of(students, "ada")
    assert "This run is in the experiment bob, and not in ada" in caplog.text
    assert "export MLFLOW_EXPERIMENT_NAME=ada" in caplog.text
    caplog.clear()
    choose(dry_run=True, **vars(ADA))
    assert caplog.text == ""
    with open_run("main", {}, "bob"):
        assert caplog.text == ""


def test_main_trains_and_selects_under_the_names(
    students: Client, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[str] = []

    def launch_all(trainings: object, parent: Run, *options: object) -> dict[str, launch.Outcome]:
        places.append(parent.experiment)
        return {}

    monkeypatch.setattr(main_job, "launch_all", launch_all)
    params = main_job.Params(algorithms="logistic", data="digits", registered_model="new", experiment="ada")
    selection = main_job.run(params, silent).selection
    assert places == [number_of(students, "ada")]
    assert students.get_model_version_by_alias("new", CHAMPION).run_id == trained.outcomes[0].run_id
    assert (selection.version, selection.decision.unconsidered, len(selection.decision.choice.entries)) == ("1", [], 1)


def test_what_is_trained_in_another_experiment_is_not_what_is_needed(
    students: Client, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task("knn", {"n_neighbors": 3}, SMALL)
    monkeypatch.setattr("mnist_mlflow.tracking.provenance.uncommitted_changes", lambda root: b"")
    monkeypatch.setattr("mnist_mlflow.tracking.provenance.git_commit", lambda root: "c0ffee")
    students.set_tag(trained.outcomes[0].run_id, "mlflow.source.git.commit", "c0ffee")
    students.set_tag(trained.outcomes[0].run_id, "git_dirty", "False")
    dataset = load_dataset("digits", train_size=200)
    same = {name: FinishedRuns(students, dataset, name).same_as(task) for name in ("", "ada", "bob")}
    assert {name for name, run in same.items() if run} == {"", "ada"}


def test_what_a_run_starts_goes_where_that_was_asked_for(students: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "bob")
    with open_run("main", {}, "ada") as run:
        workers = Slots(1)
        child = launch.launch_all([launch.Training("a", "knn", {})], run, workers)["a"].run_id
    (command,) = workers.commands
    assert command.variables["MLFLOW_EXPERIMENT_ID"] == number_of(students, "ada")
    assert students.get_run(child).info.experiment_id == number_of(students, "ada")


def test_an_ensemble_of_an_experiment_has_its_models_alone(students: Client) -> None:
    with pytest.raises(UserFacingError, match=r"there are 1 on digits .* in the experiment ada .* -P experiment=ada"):
        ensemble.run(ensemble.Params(data="digits", experiment="ada"), silent)


def test_selections_of_two_models_do_not_wait_for_each_other(students: Client) -> None:
    entered = threading.Event()

    def enter() -> None:
        with registry_lock("bob-digits"):
            entered.set()

    with registry_lock("ada-digits"):
        threading.Thread(target=enter, daemon=True).start()
        assert entered.wait(30)


def test_a_rollback_is_one_of_the_model_that_is_named_and_says_who_and_why(students: Client, trained: Trained) -> None:
    registry = Registry(students, Names(registered_model="bob-digits"))
    both = choose(registered_model="bob-digits", experiment="ada")
    registry.make_champion(both.version or "")
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1", "challenger": None}
    select.run(select.Params(rollback=True, reason="it reads sevens as ones", registered_model="bob-digits"), silent)
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: "2", "challenger": None}
    assert Registry(students, Names(registered_model="ada-digits")).aliases()[CHAMPION] == "1"
    restored, taken_back = (students.get_model_version("bob-digits", version) for version in ("1", both.version))
    ours, theirs = (read_signatures(version.tags) for version in (restored, taken_back))
    assert (ours["reason"], theirs["reason"]) == ("it reads sevens as ones",) * 2
    assert len(taken_back.tags) <= 8  # the UI shows all of them
    assert ours["applied_by"] == theirs["rolled_back_by"]
    assert ours["applied_run_id"] != ours["decided_run_id"] == restored.tags["selection_run_id"]
