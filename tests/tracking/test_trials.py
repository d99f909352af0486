from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.tracking.runs import Run, close_for
from mnist_mlflow.tracking.trials import Trial, Trials, child_runs, running_searches

Client: TypeAlias = mlflow.MlflowClient
TRIAL = Trial(7, 1_000, 3_000, "pruned", {"C": 0.5}, {"tuning_accuracy": 0.9}, {"stage_log_loss": [(1, 0.4), (4, 0.3)]})


@pytest.fixture
def parent(store: Client) -> Run:
    return Run(store, store.create_run("0").info.run_id)


def test_a_trial_is_a_child_run_with_its_state_its_figures_and_its_times(parent: Run) -> None:
    Trials(parent, {"algorithm": "svm"}).write(TRIAL)
    (child,) = child_runs(parent.client, parent.id)
    assert child.info.run_name == "trial-007"
    assert (child.info.status, child.info.start_time, child.info.end_time) == ("FINISHED", 1_000, 3_000)
    tags = {"role": "trial", "trial_state": "pruned", "algorithm": "svm", "mlflow.parentRunId": parent.id}
    assert tags.items() <= child.data.tags.items()
    assert child.data.params == {"C": "0.5"}
    assert child.data.metrics["tuning_accuracy"] == 0.9
    history = parent.client.get_metric_history(child.info.run_id, "stage_log_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.4), (4, 0.3)]


def test_a_failed_trial_has_failed_with_its_reason(parent: Run) -> None:
    Trials(parent, {}).write(Trial(0, 0, 0, "fail", failure="out of memory"))
    (child,) = child_runs(parent.client, parent.id)
    assert (child.info.status, child.data.tags["failure"]) == ("FAILED", "out of memory")


def test_what_has_been_written_is_not_lacking_whoever_wrote_it(parent: Run) -> None:
    trials = Trials(parent, {})
    assert trials.lacks(7)
    trials.write(TRIAL)
    assert not trials.lacks(7)
    assert not Trials(parent, {}).lacks(7)
    assert trials.lacks(8)


def test_a_trial_that_was_half_written_is_written_to_its_end(parent: Run) -> None:
    tags = {"mlflow.parentRunId": parent.id}
    run_id = parent.client.create_run("0", tags=tags, run_name="trial-007").info.run_id
    assert Trials(parent, {}).lacks(7)
    Trials(parent, {}).write(TRIAL)
    (child,) = child_runs(parent.client, parent.id)
    assert (child.info.run_id, child.info.status) == (run_id, "FINISHED")
    assert child.data.params == {"C": "0.5"}


def test_searches_that_have_not_ended_are_found_and_closed(store: Client) -> None:
    tags = {"study": "mine", "owner": "somebody"}
    mine = store.create_run("0", tags=tags).info.run_id
    store.create_run("0", tags={**tags, "study": "other"})
    store.create_run("0", tags={"study": "mine"})
    store.set_terminated(store.create_run("0", tags=tags).info.run_id)
    assert running_searches(store, "mine") == {mine: "somebody"}
    close_for(Run(store, mine), "killed")
    assert running_searches(store, "mine") == {}
    assert store.get_run(mine).info.status == "FAILED"
    assert store.get_run(mine).data.tags["failure"] == "killed"
