import time
from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.tracking.candidates import Candidate, Query, as_candidate
from mnist_mlflow.tracking.unconsidered import find_unconsidered
from tests.simulated import add_run

Client: TypeAlias = mlflow.MlflowClient
QUERY = Query("d", "s")


@pytest.fixture
def champion(store: Client) -> Candidate:
    candidate = as_candidate(store.get_run(add_run(store, 0.95)), "m")
    time.sleep(0.002)  # later runs begin later
    return candidate


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "RUNNING"}, "it is still running"),
        ({"status": "FAILED", "failure": "out of memory"}, "it FAILED: out of memory"),
        ({"split_digest": "t", "dataset": "digits"}, "it learned from other images: digits, split_seed=0"),
        ({}, "its model is gone, or was never ready"),
    ],
)
def test_a_newer_run_that_was_not_considered_is_told_with_the_reason(
    store: Client, champion: Candidate, changed: Any, reason: str
) -> None:
    run_id = add_run(store, 0.96, **changed)
    (run,) = find_unconsidered(store, champion, QUERY, {}, 0.9)
    assert (run.run_id, run.algorithm, run.reason) == (run_id, "knn", reason)


def test_what_began_before_the_champion_ended_is_told_too(store: Client, champion: Candidate) -> None:
    early = store.create_run("0", start_time=1, tags={"role": "model", "algorithm": "svm"}).info.run_id
    assert [run.run_id for run in find_unconsidered(store, champion, QUERY, {}, 0.9)] == [early]
    store.set_terminated(early, "FAILED")
    (run,) = find_unconsidered(store, champion, QUERY, {}, 0.9)
    assert run.reason == "it FAILED: no reason given"


def test_the_filters_are_named_where_they_are_why(store: Client, champion: Candidate) -> None:
    add_run(store, 0.96)
    (run,) = find_unconsidered(store, champion, Query("d", "s", algorithms=("svm",)), {}, 0.0)
    assert run.reason == "the filters leave it out"


def test_what_took_part_is_far_behind_or_is_older_is_no_news(store: Client, champion: Candidate) -> None:
    took_part, passed_over, _behind = (add_run(store, accuracy) for accuracy in (0.96, 0.97, 0.5))
    add_run(store, 0.9, role="trial")
    reasons = {took_part: "", passed_over: "its file is damaged"}
    assert [(run.run_id, run.reason) for run in find_unconsidered(store, champion, QUERY, reasons, 0.9)] == [
        (passed_over, "its file is damaged")
    ]
