import dataclasses
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

from benchmarks.postgresql import is_installed, postgresql
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.search import studies as storage
from mnist_mlflow.search.pruning import STAGES
from mnist_mlflow.search.studies import Plan, open_study
from tests.conftest import ROOT, start_python

ABOUT = {"algorithm": "knn", "dataset_digest": "d", "split_digest": "s", "given": {}}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(f"sqlite:///{tmp_path}/optuna.db", "mine", "log_loss", 0, ABOUT)


def test_a_study_is_created_and_taken_up(plan: Plan) -> None:
    open_study(plan).optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert len(open_study(plan).trials) == 2
    assert len(open_study(dataclasses.replace(plan, name="other")).trials) == 0


@pytest.mark.parametrize(("key", "value"), [("algorithm", "svm"), ("dataset_digest", "e"), ("split_digest", "t")])
def test_another_study_under_the_same_name_is_refused(plan: Plan, key: str, value: str) -> None:
    open_study(plan)
    other = dataclasses.replace(plan, about={**ABOUT, key: value})
    with pytest.raises(UsageError, match=rf"'mine' is another one: {key} is '.*' there and '{value}' here"):
        open_study(other)


def test_a_study_of_another_program_is_refused(plan: Plan) -> None:
    theirs = optuna.create_study(storage=plan.storage, study_name=plan.name)
    theirs.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(UsageError, match=r"'mine' was begun by another program.*study=mine-2"):
        open_study(plan)


def test_another_objective_is_refused_though_optuna_would_not_mind(plan: Plan) -> None:
    open_study(dataclasses.replace(plan, about={**ABOUT, "objective": "log_loss"}))
    with pytest.raises(UsageError, match="objective is 'log_loss' there and 'accuracy' here"):
        open_study(dataclasses.replace(plan, about={**ABOUT, "objective": "accuracy"}, objective="accuracy"))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://someone:secret@127.0.0.1:9/studies",
        "nonsense",
        "nosuch://127.0.0.1/studies",
        "sqlite:////proc/none/optuna.db",
    ],
)
def test_a_storage_that_cannot_be_reached_is_one_line_without_its_password(plan: Plan, address: str) -> None:
    with pytest.raises(UserFacingError, match=r"storage of studies .* cannot be used: .*OPTUNA_STORAGE") as caught:
        open_study(dataclasses.replace(plan, storage=address))
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_database_is_one_line(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("not a database, and longer than a header would be" * 50)
    with pytest.raises(UserFacingError, match="cannot be used"):
        open_study(plan)


def test_a_new_storage_is_opened_by_several_at_once(plan: Plan) -> None:
    code = f"from mnist_mlflow.search.studies import *; open_study(Plan({plan.storage!r}, 'mine', 'log_loss', 0, {{}}))"
    processes = [start_python(code, ROOT) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors


@pytest.mark.parametrize(("objective", "prune", "pruned"), [("log_loss", True, True), ("log_loss", False, False)])
def test_laggards_are_broken_off_where_that_is_wanted(plan: Plan, objective: str, prune: bool, pruned: bool) -> None:
    study = open_study(dataclasses.replace(plan, prune=prune))

    def objective_of(trial: optuna.Trial) -> float:
        trial.report(trial.number, min(STAGES))
        if trial.should_prune():
            raise optuna.TrialPruned
        return trial.number

    study.optimize(objective_of, n_trials=6)
    assert any(trial.state.name == "PRUNED" for trial in study.trials) == pruned


def test_with_two_goals_nobody_lags_behind(plan: Plan) -> None:
    two = dataclasses.replace(plan, objective="log_loss,latency")
    assert plan.prunes
    assert not two.prunes
    assert len(open_study(two).directions) == 2


@pytest.fixture
def server() -> Iterator[str]:
    if not is_installed():
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with postgresql() as address:
        yield address


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Plan], optuna.Study]]:
    """Opens studies whose connections are closed afterwards, which the end of a process does otherwise."""
    storages = []
    connect = storage._connect
    monkeypatch.setattr(storage, "_connect", lambda *address: storages.append(connect(*address)) or storages[-1])
    yield open_study
    for one in storages:
        one.remove_session()
        one.engine.dispose()


def test_studies_are_kept_by_postgresql_too(plan: Plan, server: str, opened: Callable[[Plan], optuna.Study]) -> None:
    shared = dataclasses.replace(plan, storage=server)
    first, second = opened(shared), opened(shared)
    first.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    second.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert len(first.get_trials()) == 3
    with pytest.raises(UsageError):
        opened(dataclasses.replace(shared, about={**ABOUT, "algorithm": "svm"}))


def test_a_server_that_does_not_answer_is_given_up(plan: Plan) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        started = time.monotonic()
        address = f"postgresql://tester@127.0.0.1:{deaf.getsockname()[1]}/studies"
        with pytest.raises(UserFacingError, match="cannot be used"):
            open_study(dataclasses.replace(plan, storage=address))
        assert time.monotonic() - started < 60
