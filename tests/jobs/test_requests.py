"""The requests that commands make to a team's server, counted: each takes 10 to 20 ms there, and more far away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs import ensemble, evaluate, report, select
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.types import silent
from tests.conftest import have_pictures_drawn
from tests.faults.servers import Proxy
from tests.team import Account, Team

SMALL = DataOptions(data="digits", train_size=200)
MODELS = 7


@dataclass(frozen=True)
class Counted:
    """What one account types, at a server that counts."""

    team: Team
    proxy: Proxy
    account: Account
    model: str

    def requests(self, command: Callable[[], object]) -> int:
        before = len(self.proxy.requests)
        with self.team.as_user(self.account):
            command()
        return len(self.proxy.requests) - before

    def train(self, max_iter: int, trials: int = 0) -> int:
        task = Task("logistic", {"max_iter": max_iter} if not trials else {}, replace(SMALL, trials=trials))
        return self.requests(lambda: train(task, silent))

    def select(self) -> int:
        params = select.Params(data="digits", registered_model=self.model, experiment=self.account.name)
        return self.requests(lambda: select.run(params, silent))


@pytest.fixture
def counted(team: Team, tmp_path: Path) -> Iterator[Counted]:
    with team.counted() as (there, proxy):
        account, studies = team.user(), f"sqlite:///{tmp_path}/optuna.db"
        yield Counted(replace(there, studies=studies), proxy, account, f"model-{account.name}")


def test_no_command_asks_the_server_too_often(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, page = counted.model, tmp_path / "report.html"
    with monkeypatch.context() as patch:
        have_pictures_drawn(patch)
        assert counted.train(40) <= 44  # seven of them describe the experiment, once
        assert counted.train(41) <= 37
    for number in range(2, MODELS):
        counted.train(40 + number)
    for _ in range(2):  # the champion takes part in the second: it is confirmed, or another as fast one replaces it
        assert counted.select() <= 97
    evaluation = evaluate.Params(data="digits", registered_model=name)
    assert counted.requests(lambda: evaluate.run(evaluation, silent)) <= 45
    assert counted.requests(lambda: report.run(report.Params(registered_model=name, out=page), silent)) <= 31
    voting = ensemble.Params(data="digits", experiment=counted.account.name, members=2)  # each takes three
    assert counted.requests(lambda: ensemble.run(voting, silent)) <= 52


def test_a_trial_is_four_requests(counted: Counted) -> None:
    few, more = counted.train(0, trials=1), counted.train(0, trials=3)
    assert more - few <= 2 * 4
