"""The server of a team: who may log in, and that all tests have the same one."""

import pytest
from mlflow.exceptions import MlflowException

from tests.team import Account, Team


def test_an_account_makes_an_experiment_that_another_may_read_only(team: Team) -> None:
    owner, other = team.user("owner"), team.user("other")
    with team.as_user(owner) as client:
        experiment = client.create_experiment(owner.name)
        run_id = client.create_run(experiment).info.run_id
    with team.as_user(other) as client:
        assert client.get_run(run_id)
        with pytest.raises(MlflowException, match="Permission denied"):
            client.set_tag(run_id, "key", "value")
    team.grant(other, "experiment", experiment, "EDIT")
    with team.as_user(other) as client:
        client.set_tag(run_id, "key", "value")
    team.revoke(other, "experiment", experiment)
    with team.as_user(other) as client, pytest.raises(MlflowException, match="Permission denied"):
        client.set_tag(run_id, "key", "value")


def test_a_wrong_password_is_refused(team: Team) -> None:
    wrong = Account(team.user().name, "something-else-1")
    with team.as_user(wrong) as client, pytest.raises(MlflowException, match="not authenticated"):
        client.search_experiments()


def test_a_proxy_counts_the_requests_of_each_account(team: Team) -> None:
    one, other = team.user(), team.user()
    with team.counted() as (counted, proxy):
        with counted.as_user(one) as client:
            client.search_experiments()
        with counted.as_user(other) as client:
            client.search_registered_models()
    assert [(account, path.split("?")[0].split("mlflow/")[1]) for account, _, path in proxy.requests] == [
        (one.name, "experiments/search"),
        (other.name, "registered-models/search"),
    ]
