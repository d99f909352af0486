import dataclasses
import socket
from pathlib import Path

import optuna
import pytest

from mnist_mlflow.data import databases
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.search import machine
from mnist_mlflow.search.pruning import RUNGS
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.storage import study_lock
from mnist_mlflow.search.studies import open_storage, open_study
from tests.conftest import ROOT, python
from tests.search.test_queue import close
from tests.searches import specify

ABOUT = {"algorithm": "knn", "dataset_digest": "d", "split_digest": "s", "given": {}}


@pytest.fixture
def spec(folder: Path) -> SearchSpec:
    return specify(folder, about=ABOUT)


def x(trial: optuna.Trial) -> float:
    return float(trial.suggest_float("x", 0, 1))


def test_a_study_is_created_and_continued(spec: SearchSpec) -> None:
    TrialQueue(spec).study.optimize(x, n_trials=2)
    assert len(TrialQueue(spec).records()) == 2
    assert TrialQueue(dataclasses.replace(spec, study="other")).records() == []


@pytest.mark.parametrize(("key", "value"), [("algorithm", "svm"), ("dataset_digest", "e"), ("split_digest", "t")])
def test_another_study_under_the_same_name_is_refused(spec: SearchSpec, key: str, value: str) -> None:
    TrialQueue(spec)
    other = dataclasses.replace(spec, about={**ABOUT, key: value})
    with pytest.raises(UsageError, match=rf"'s' is another one: {key} is '.*' there and '{value}' here"):
        TrialQueue(other)


def test_a_study_of_another_program_is_refused(spec: SearchSpec) -> None:
    theirs = optuna.create_study(storage=spec.storage, study_name=spec.study)
    theirs.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(UsageError, match=r"'s' was begun by another program.*study=s-2"):
        TrialQueue(spec)


def test_another_objective_is_refused_though_optuna_would_not_mind(folder: Path) -> None:
    TrialQueue(specify(folder, about={**ABOUT, "objective": "log_loss"}))
    with pytest.raises(UsageError, match="objective is 'log_loss' there and 'accuracy' here"):
        TrialQueue(specify(folder, objective="accuracy", about={**ABOUT, "objective": "accuracy"}))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://someone:secret@127.0.0.1:9/studies", "no server answered within 10 seconds. Start it"),
        ("postgresql+nosuch://someone:secret@127.0.0.1/studies", "driver of .* is missing.*Type: pip install"),
        ("mysql://someone:secret@127.0.0.1/studies", "driver of .* is missing.*Type: pip install pymysql"),
        ("sqlite+nosuch:///x.db", "nosuch.*OPTUNA_STORAGE"),
        ("postgresql://someone:secret@127.0.0.1:port/studies", "is no address of a database"),
        ("sqlite:////proc/none/optuna.db", "cannot be used.*OPTUNA_STORAGE"),
        ("sqlite:///:memory:", "is in memory.*unset OPTUNA_STORAGE"),
        ("sqlite://", "is in memory.*unset OPTUNA_STORAGE"),
        ("sqlite:///file:x?mode=memory&uri=true", "is in memory.*unset OPTUNA_STORAGE"),
        ("sqlite:///file::memory:?uri=true", "is in memory.*unset OPTUNA_STORAGE"),
        ("journal.log", "no database: journals.*Accepted: sqlite:"),
        ("./optuna/journal.log", "no database: journals.*Accepted: sqlite:"),
        ("redis://:secret@127.0.0.1/0", "no database: journals, Redis.*postgresql://USER"),
        ("grpc://127.0.0.1:13000", "no database.*export OPTUNA_STORAGE"),
        ("nonsense", "no database"),
        ("nosuch://127.0.0.1/studies", "no database"),
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(
    address: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserFacingError, match=reason) as caught:
        open_storage(address)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert {path.suffix for path in tmp_path.iterdir()} <= {".lock"}


@pytest.mark.parametrize("address", ["sqlite:///x.db?timeout=60", "sqlite+pysqlite:///file:x.db?mode=rwc&uri=true"])
def test_a_relative_file_is_the_same_wherever_one_goes_later(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "later").mkdir()
    monkeypatch.chdir(tmp_path)
    storage = open_storage(address)
    monkeypatch.chdir(tmp_path / "later")
    optuna.create_study(storage=storage, study_name="s")
    with study_lock(storage, "s"):
        assert (tmp_path / "x.db.lock").exists()
    storage.engine.dispose()
    assert (tmp_path / "x.db").exists()
    assert not list((tmp_path / "later").iterdir())


def test_a_relative_file_that_a_child_of_mlflow_run_would_make_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_RUN_ID", "x")
    with pytest.raises(UserFacingError, match=r'Type.*: export OPTUNA_STORAGE="sqlite:///\$PWD/x.db"'):
        open_storage("sqlite:///x.db")
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///x.db")
    assert machine._studies() == {"OPTUNA_STORAGE": f"sqlite:///{tmp_path}/x.db"}
    open_storage(machine._studies()["OPTUNA_STORAGE"]).engine.dispose()
    open_storage("sqlite:///x.db").engine.dispose()  # which is there now


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("not a database, and longer than a header would be" * 50)
    with pytest.raises(UserFacingError, match="cannot be used"):
        open_storage(f"sqlite:///{tmp_path}/optuna.db")


# Each opens the storage in a fork of a process that has imported everything: imports would take most of the time.
OPENED = """
from pathlib import Path
import alembic.command, optuna.storages, sqlalchemy.dialects.sqlite
from tests.searches import TrialQueue, specify
from tests.soak.forks import fork, wait_for_end

folder = Path({folder!r})
openers = [fork(lambda: TrialQueue(specify(folder)), folder) for _ in range(3)]
print(*map(wait_for_end, openers))
"""


def test_a_new_storage_is_opened_by_several_at_once(tmp_path: Path) -> None:
    printed = python(OPENED.format(folder=str(tmp_path)), ROOT)
    assert printed == "0 0 0\n", (tmp_path / "printed.txt").read_text()


@pytest.mark.parametrize("prune", [True, False])
def test_laggards_are_pruned_where_that_is_wanted(folder: Path, prune: bool) -> None:
    study = TrialQueue(specify(folder, prune=prune)).study

    def objective(trial: optuna.Trial) -> float:
        trial.report(trial.number, min(RUNGS))
        if trial.should_prune():
            raise optuna.TrialPruned
        return float(trial.number)

    study.optimize(objective, n_trials=6)
    assert any(trial.state.name == "PRUNED" for trial in study.trials) == prune


def test_with_two_goals_no_trial_lags_behind(folder: Path) -> None:
    two = specify(folder, objective="log_loss,latency")
    assert specify(folder).prunes
    assert not two.prunes
    assert len(TrialQueue(two).study.directions) == 2


def test_studies_are_kept_by_postgresql_too(folder: Path, server: str) -> None:
    shared = specify(folder, storage=server, about=ABOUT)
    shared = dataclasses.replace(shared, study="shared")
    queues = [TrialQueue(shared) for _ in range(2)]
    for queue, trials in zip(queues, (2, 1), strict=True):
        queue.study.optimize(x, n_trials=trials)
    assert len(queues[0].records()) == 3
    with pytest.raises(UsageError):
        open_study(dataclasses.replace(shared, about={**ABOUT, "algorithm": "svm"}), queues[0].storage)
    for queue in queues:
        close(queue)


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "PATIENCE", 2)  # the least that the driver takes
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with pytest.raises(UserFacingError, match="no server answered within 2 seconds"):
            open_storage(f"postgresql://tester@127.0.0.1:{deaf.getsockname()[1]}/studies")
