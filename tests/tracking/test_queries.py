from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.errors import UsageError
from mnist_mlflow.tracking import queries
from mnist_mlflow.tracking.queries import count_openings, experiment_ids, newer_runs, search_runs
from tests.simulated import add_run

Client: TypeAlias = mlflow.MlflowClient


def test_all_pages_are_read_the_oldest_first(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "RUNS_A_PAGE", 2)
    other = store.create_experiment("other")
    runs = [add_run(store, 0.9) for _ in range(3)] + [add_run(store, 0.9, experiment=other) for _ in range(2)]
    run_ids = [run.info.run_id for run in search_runs(store, "tags.role = 'model'")]
    assert sorted(run_ids) == sorted(runs)


def test_openings_are_counted_for_each_split(store: Client) -> None:
    for split in ("s", "s", "t"):
        store.create_run("0", tags={"test_opened_for": "evaluate something", "split_digest": split})
    add_run(store, 0.9)
    assert (count_openings(store, "s"), count_openings(store, "u")) == (2, 0)


def test_the_newest_come_first_and_no_more_than_asked_for(store: Client) -> None:
    runs = [store.create_run("0", start_time=time, tags={"role": "model"}).info.run_id for time in (10, 20, 30, 40)]
    store.create_run("0", start_time=50, tags={"role": "trial"})
    for run_id, ended in zip(runs, (15, 25, 35), strict=False):
        store.set_terminated(run_id, end_time=ended)
    assert [run.info.run_id for run in newer_runs(store, "", 15, 2)] == [runs[2], runs[1], runs[3]]
    assert [run.info.run_id for run in newer_runs(store, "", 15, 1)] == [runs[2], runs[3]]


def test_experiments_are_found_by_their_names(store: Client) -> None:
    other = store.create_experiment("it's another")
    assert experiment_ids(store, "it's another") == [other]
    assert experiment_ids(store, "") == ["0", other] or experiment_ids(store, "") == [other, "0"]
    with pytest.raises(UsageError, match="no experiment 'a' in the store; accepted: Default, it's another"):
        experiment_ids(store, "a")
