"""The administrator's commands for accounts and permissions, and the role of docs/team.md."""

import re
import shlex

import pytest
from click.testing import CliRunner
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from deploy import accounts
from tests.deploy.documents import code_below
from tests.team import Account, Team


def typed(team: Team, *words: str, account: Account | None = None) -> tuple[int, str]:
    with team.as_user(account or team.admin):
        done = CliRunner().invoke(accounts.main, words)
    return done.exit_code, done.output


def test_a_new_account_logs_in_with_the_password_that_was_shown(team: Team) -> None:
    name = team.user().name + "-2"
    status, output = typed(team, "create", name)
    assert status == 0
    with team.as_user(Account(*output.split())) as client:
        assert client.search_experiments() is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "admin"], r"The server refuses: User \(username=admin\) already exists.*"),
        (["grant", "admin", "experiment", "nowhere", "EDIT"], "There is no experiment nowhere."),
        (["grant", "nobody", "registered_model", "x", "EDIT"], "The server refuses: .*nobody.*"),
        (["assign", "nothing", "admin"], "There is no role nothing. There are: .*"),
    ],
)
def test_what_is_refused_is_said_in_a_line_without_hashes(team: Team, words: list[str], said: str) -> None:
    status, output = typed(team, *words)
    assert status == 1
    assert re.fullmatch(f"Error: {said}\n", output), output
    assert "scrypt:" not in output


def test_a_grant_that_names_no_level_makes_no_role(team: Team) -> None:
    name = team.user("role").name
    status, output = typed(team, "role", name, "run:*")
    assert status == 2
    assert "A grant is KIND:WHAT:LEVEL, such as run:*:EDIT" in output
    assert typed(team, "assign", name, "admin")[0] == 1


def test_only_the_administrator_makes_accounts(team: Team) -> None:
    assert typed(team, "create", "somebody", account=team.user()) == (
        1,
        "Error: The server refuses: Permission denied\n",
    )


def test_a_password_is_changed_by_who_knows_it(team: Team) -> None:
    account = team.user()
    new = ("password", account.name, "--new", "a-new-password")
    status, output = typed(team, *new, "--current", "something-else", account=account)
    assert status == 1
    assert output.startswith("Error: The server refuses: ")
    assert typed(team, *new, "--current", account.password, account=account)[0] == 0
    with team.as_user(Account(account.name, "a-new-password")) as client:
        assert client.search_experiments() is not None


def test_the_role_lets_members_write_into_each_others_runs_and_delete_nothing(team: Team) -> None:
    ada, bob = team.user("ada"), team.user("bob")
    recipe = code_below("Work over each other's runs", "bash").replace("members", f"members-{ada.name}")
    for line in recipe.replace("ada bob", f"{ada.name} {bob.name}").splitlines():
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "deploy.accounts"]
        assert typed(team, *words[3:]) == (0, "")
    with team.as_user(ada) as client:
        run_id = client.create_run(client.create_experiment(ada.name)).info.run_id
        model_id = client.create_logged_model(client.get_run(run_id).info.experiment_id).model_id
    with team.as_user(bob) as client:
        client.log_batch(run_id, [Metric("test_accuracy", 0.99, 0, 0, model_id=model_id)])
        client.set_logged_model_tags(model_id, {"key": "value"})
        client.set_terminated(run_id, "FAILED")
        with pytest.raises(MlflowException, match="Permission denied"):
            client.delete_run(run_id)
        with pytest.raises(MlflowException, match="Permission denied"):
            client.delete_logged_model(model_id)
    with team.as_user(team.user("eve")) as client, pytest.raises(MlflowException, match="Permission denied"):
        client.set_tag(run_id, "key", "value")
