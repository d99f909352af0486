from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.jobs.launch import LaunchError, Program, launch
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.runs import Run

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=100)
ENDS_SILENTLY = """
import os, sys
if "knn" in sys.orig_argv and "--n_neighbors=2" in sys.orig_argv:
    os._exit(0)
"""

SLEEPS = """
import sys, time
if "knn" in sys.orig_argv:
    time.sleep(60)
"""


@pytest.fixture
def parent(store: Client) -> Run:
    run = store.create_run("0", tags={"mlflow.source.git.commit": "0123", "mlflow.runName": "main", "other": "x"})
    return Run(store, run.info.run_id)


def test_several_threads_launch_and_each_has_its_result_or_the_reason_of_its_failure(
    store: Client, parent: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ENDS_SILENTLY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    good, silent, bad = (
        Task("knn", given, SMALL) for given in ({"n_neighbors": 3}, {"n_neighbors": 2}, {"components": 784})
    )
    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(launch, task, {"main_run": parent.id}, parent) for task in (good, silent, bad)]
    result = futures[0].result()
    run = store.get_run(result.run_id)
    assert run.outputs.model_outputs[0].model_id == result.model_id
    assert 0.5 < result.metrics["val_accuracy"] <= 1
    assert run.data.tags["main_run"] == parent.id
    assert run.data.tags["mlflow.source.git.commit"] == "0123"
    assert "other" not in run.data.tags
    assert Task.from_run(run.data.tags) == good
    for future, reason in zip(futures[1:], ("its process ended without a word", "knn cannot learn with"), strict=True):
        with pytest.raises(LaunchError, match=reason) as failure:
            future.result()
        assert store.get_run(failure.value.run_id).info.status == "FAILED"


def test_the_event_of_its_program_ends_a_process(
    store: Client, parent: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLEEPS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = Program()
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(launch, Task("knn", {}, SMALL), {}, parent, program)
        try:
            with pytest.raises(TimeoutError):
                future.result(timeout=1)
        finally:
            program.stop.set()
        with pytest.raises(KeyboardInterrupt):
            future.result(timeout=30)
    launched, _ = store.search_runs(["0"])
    assert launched.info.status == "FAILED"
    assert launched.data.tags["failure"] == "its process ended without a word"
