"""What each account may do at a team's server, by the table of docs/team.md: at the level that it takes, and below.

Below it, one line says so, and nothing of anybody else has changed.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mlflow
import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs import evaluate, main, select
from mnist_mlflow.jobs.train import train
from mnist_mlflow.processes import this_process
from mnist_mlflow.protocol import DataOptions, Names
from mnist_mlflow.selection.test_images import TestScores
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION, PREVIOUS
from mnist_mlflow.tracking.candidates import as_candidate
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.types import silent
from tests.conftest import ROOT
from tests.team import Account, Team

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions(data="digits", train_size=200)
LACKS = "may not change the registered model .* it has READ. Nothing was changed"
ROW = re.compile(r"^\| ([a-z][^|]*?) \|", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """What belongs to one account: an experiment with two runs, and a registered model with a champion and more."""

    team: Team
    owner: Account
    experiment: str
    model: str
    runs: tuple[str, str]

    def state(self) -> object:
        """All that others might have changed."""
        with self.team.as_user(self.owner) as client:
            registered = client.get_registered_model(self.model)
            versions = client.search_model_versions(f"name = '{self.model}'")
            runs = [client.get_run(run_id) for run_id in self.runs]
            return (
                [registered.tags, registered.aliases],
                {version.version: (version.tags, version.description) for version in versions},
                [(run.data.tags, run.data.metrics, run.info.status) for run in runs],
            )

    def aliases(self) -> object:
        with self.team.as_user(self.owner) as client:
            return Registry(client, Names(registered_model=self.model)).aliases()

    def other(self, experiment: str = "READ", model: str = "READ") -> Account:
        """Another account, with these permissions on the place."""
        account = self.team.user("other")
        for kind, what, permission in (
            ("experiment", self.experiment, experiment),
            ("registered_model", self.model, model),
        ):
            if permission != "READ":  # which everybody has
                self.team.grant(account, kind, what, permission)
        return account

    def choose(self, **options: Any) -> Any:
        settings: dict[str, Any] = {"data": "digits", "registered_model": self.model, **options}
        return select.run(select.Params(**settings), silent)


@pytest.fixture(scope="module")
def place(team: Team) -> Place:
    owner = team.user("owner")
    with team.as_user(owner) as client:
        results = [train(Task("logistic", {"max_iter": number}, SMALL), silent) for number in (50, 60)]
        model = f"model-{owner.name}"
        registry = Registry(client, Names(registered_model=model))
        registry.create()
        for result in results:
            registry.make_champion(
                registry.register(as_candidate(client.get_run(result.run_id), result.model_id), "", {})
            )
        experiment = client.get_experiment_by_name(owner.name).experiment_id
        return Place(team, owner, experiment, model, (results[0].run_id, results[1].run_id))


def trains(place: Place) -> None:
    with place.team.as_user(place.other("EDIT"), place.owner.name) as client:
        run_id = train(Task("logistic", {"max_iter": 20}, SMALL), silent).run_id
        assert client.get_run(run_id).info.experiment_id == place.experiment
        client.set_tag(run_id, "role", "of a test")  # no candidate for others


def may_not_train(place: Place) -> None:
    account = place.other()
    line = f"The account {account.name} may not write into the experiment {place.owner.name} .*NAME={account.name}$"
    with place.team.as_user(account, place.owner.name), pytest.raises(UserFacingError, match=line):
        train(Task("logistic", {}, SMALL), silent)


def reads(place: Place) -> None:
    with place.team.as_user(place.other()):
        choice = place.choose(dry_run=True, experiment=place.owner.name).decision.choice
    assert {run for entry in choice.entries for run in entry.run_ids} == set(place.runs)


def may_not_read(place: Place) -> None:
    with place.team.as_user(place.other("DENY")), pytest.raises(UserFacingError, match="There is no"):
        place.choose(dry_run=True, experiment=place.owner.name)


def selects(place: Place) -> None:
    with place.team.as_user(place.other(model="EDIT")) as client:
        selection = place.choose(experiment=place.owner.name)
        scored = client.get_run(selection.run_id).info.artifact_uri + "/test_metrics.json"
        assert set(json.loads(mlflow.artifacts.load_text(scored))) == set(place.runs)
        assert "test_accuracy" in client.get_model_version(place.model, selection.version).tags
        assert all("test_accuracy" not in client.get_run(run_id).data.metrics for run_id in place.runs)


def may_not_select(place: Place) -> None:
    with (
        place.team.as_user(place.other(model="DENY")),
        pytest.raises(UserFacingError, match=LACKS.replace("READ", "DENY")),
    ):
        place.choose()
    with place.team.as_user(place.other("EDIT")), pytest.raises(UserFacingError, match=LACKS):
        place.choose()


def registers(place: Place) -> None:
    account = place.other()
    with place.team.as_user(account) as client:
        selection = place.choose(registered_model=f"new-{account.name}", experiment=place.owner.name)
        assert client.get_model_version_by_alias(f"new-{account.name}", CHAMPION).run_id in place.runs
        assert selection.version == "1"


def test_a_selection_without_a_candidate_leaves_no_registered_model(place: Place) -> None:
    with place.team.as_user(place.other()) as client:
        with pytest.raises(UserFacingError, match="There is no finished run"):
            place.choose(registered_model="misspelt", where="metrics.val_accuracy > 2")
        assert not client.search_registered_models("name = 'misspelt'")


def may_not_register(place: Place) -> None:
    """It is told before anything is trained."""
    account = place.other()
    with place.team.as_user(account) as client:
        with pytest.raises(UserFacingError, match=LACKS):
            main.run(main.Params(data="digits", algorithms="knn", registered_model=place.model), silent)
        assert _only_run(client, account).data.tags["mlflow.runName"] == "main algorithms=knn"


def moves(place: Place) -> None:
    """Back and forth, and a challenger that becomes champion, without what takes MANAGE."""
    before = place.aliases()
    with place.team.as_user(place.other(model="EDIT")) as client:
        first, second = (place.choose(rollback=True) for _ in range(2))
        assert (first.restored, second.restored) == (second.taken_back, first.taken_back)
        assert place.choose(rollback=True).restored == first.restored
        registry = Registry(client, Names(registered_model=place.model))
        registry.make_challenger(first.taken_back)
        registry.make_champion(first.taken_back)
        assert registry.aliases() == {CHAMPION: first.taken_back, PREVIOUS: first.restored, CHALLENGER: None}
        assert not [tag for tag in registry.state().tags if tag == "unfinished" or tag.startswith("claim.")]
    assert place.aliases() == before


def may_not_move(place: Place) -> None:
    with place.team.as_user(place.other("EDIT")), pytest.raises(UserFacingError, match=LACKS):
        place.choose(rollback=True)


def scores(place: Place) -> None:
    for permission in ("READ", "EDIT"):
        account = place.other(permission)
        with place.team.as_user(account) as client:
            result = evaluate.run(evaluate.Params(data="digits", model=f"models:/{place.model}@{CHAMPION}"), silent)
            run = _only_run(client, account)
            assert run.data.metrics["test_accuracy"] == result.metrics["test_accuracy"]
            model_id = client.get_model_version_by_alias(place.model, CHAMPION).source.removeprefix("models:/")
            tied = {metric.run_id for metric in client.get_logged_model(model_id).metrics or []}
            assert (run.info.run_id in tied) == (permission == "EDIT")


def _only_run(client: Client, account: Account) -> Run:
    (run,) = client.search_runs([client.get_experiment_by_name(account.name).experiment_id])
    return run


def may_not_score(place: Place) -> None:
    account = place.other("DENY")
    with place.team.as_user(account) as client:
        with pytest.raises(UserFacingError, match=f"not there, or hidden from the account {account.name}"):
            evaluate.run(evaluate.Params(data="digits", model=f"models:/{place.model}@{CHAMPION}"), silent)
        assert "test_opened_for" not in _only_run(client, account).data.tags


def _abandon(place: Place) -> str:
    """A selection of the owner's whose process is gone."""
    tags = {"role": "selection", "owner": json.dumps({**this_process(), "born": -1000.0})}
    with place.team.as_user(place.owner) as client:
        run_id: str = client.create_run(place.experiment, tags=tags).info.run_id
        return run_id


def _status_after(place: Place, permission: str) -> str:
    abandoned = _abandon(place)
    with place.team.as_user(place.other(permission, "EDIT")) as client, pytest.MonkeyPatch.context() as patch:
        # Scores in the owner's runs would stay there for the other tests.
        patch.setattr("mnist_mlflow.selection.promotion.score_finalists", lambda *arguments: TestScores())
        place.choose(experiment=place.owner.name)
        status: str = client.get_run(abandoned).info.status
    with place.team.as_user(place.owner) as client:
        client.delete_run(abandoned)
    return status


def closes(place: Place) -> None:
    assert _status_after(place, "EDIT") == "FAILED"


def may_not_close(place: Place) -> None:
    assert _status_after(place, "READ") == "RUNNING"  # and the selection was not held up


def deletes(place: Place) -> None:
    abandoned = _abandon(place)
    with place.team.as_user(place.other("MANAGE")) as client:
        client.delete_run(abandoned)


def may_not_delete(place: Place) -> None:
    with place.team.as_user(place.other("EDIT")) as client, pytest.raises(MlflowException, match="Permission denied"):
        client.delete_run(place.runs[0])


Case: TypeAlias = Callable[[Place], None]
CASES: dict[str, tuple[Case, Case]] = {
    "train": (trains, may_not_train),
    "read others' runs": (reads, may_not_read),
    "select among others' runs": (selects, may_not_select),
    "register": (registers, may_not_register),
    "move aliases": (moves, may_not_move),
    "score others' models on the test images": (scores, may_not_score),
    "close others' abandoned runs": (closes, may_not_close),
    "delete": (deletes, may_not_delete),
}


def test_the_table_of_the_document_has_these_actions() -> None:
    _, _, section = (ROOT / "docs" / "team.md").read_text(encoding="utf-8").partition("\n## Who may do what\n")
    assert ROW.findall(section.partition("\n#")[0])[1:] == list(CASES)


@pytest.mark.parametrize("action", CASES)
def test_who_has_the_permission_does_it(place: Place, action: str) -> None:
    CASES[action][0](place)


@pytest.mark.parametrize("action", CASES)
def test_who_lacks_it_is_told_and_has_changed_nothing(place: Place, action: str) -> None:
    before = place.state()
    CASES[action][1](place)
    assert action.startswith("close") or place.state() == before
