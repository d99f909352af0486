"""The recipe of docs/team.md by which only some accounts move `champion`."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from deploy import accounts
from tests.team import Account, Team, add_versions


def add_version(client: MlflowClient, name: str) -> None:
    champion = client.get_model_version_by_alias(name, "champion")
    client.create_model_version(name, champion.source, model_id=champion.model_id)


CHANGES: dict[str, Callable[[MlflowClient, str], object]] = {
    "set the alias": lambda client, name: client.set_registered_model_alias(name, "champion", 2),
    "delete the alias": lambda client, name: client.delete_registered_model_alias(name, "champion"),
    "add a version": add_version,
    "tag the version": lambda client, name: client.set_model_version_tag(name, "1", "key", "value"),
    "rename the model": lambda client, name: client.rename_registered_model(name, f"{name}-2"),
    "delete the version": lambda client, name: client.delete_model_version(name, "1"),
    "delete the model": lambda client, name: client.delete_registered_model(name),
}


@pytest.fixture
def member(team: Team) -> Account:
    return team.user()


@pytest.fixture
def model(team: Team, member: Account) -> str:
    """A model that the administrator has made, with a champion."""
    name = f"model-of-{member.name}"
    with team.as_user(team.admin) as client:
        add_versions(client, name)
        client.set_registered_model_alias(name, "champion", 1)
    return name


def typed(team: Team, *words: str) -> None:
    with team.as_user(team.admin):
        done = CliRunner().invoke(accounts.main, words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("change", CHANGES)
def test_who_may_only_look_moves_nothing(team: Team, member: Account, model: str, change: str) -> None:
    with team.as_user(member) as client:
        with pytest.raises(MlflowException, match="Permission denied"):
            CHANGES[change](client, model)
        assert client.get_model_version_by_alias(model, "champion").version == "1"


def test_who_may_edit_moves_the_champion_and_takes_it_away_with_manage(team: Team, member: Account, model: str) -> None:
    typed(team, "grant", member.name, "registered_model", model, "EDIT")
    with team.as_user(member) as client:
        client.set_registered_model_alias(model, "champion", 2)
        with pytest.raises(MlflowException, match="Permission denied"):
            client.delete_registered_model_alias(model, "champion")
    typed(team, "revoke", member.name, "registered_model", model)
    typed(team, "grant", member.name, "registered_model", model, "MANAGE")
    with team.as_user(member) as client:
        client.delete_registered_model_alias(model, "champion")
