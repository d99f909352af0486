"""The main job: train every algorithm in a run and a process of its own, then select."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs.select import Params as SelectParams
from mnist_mlflow.jobs.select import Selection, select_in, selection_tags
from mnist_mlflow.protocol import NEW_STUDY, DataOptions, SearchOptions, changed, command
from mnist_mlflow.tracking.runs import Run, close_for, open_run
from mnist_mlflow.types import Progress

SHORTEST = 1.0  # seconds that a search has when the others have taken all of the time
ORIGIN = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit")


class SomeFailed(UserFacingError):
    """Some algorithms failed; the others were trained and a champion was selected among them."""

    def __init__(
        self, failed: Sequence[str], protocol: DataOptions, search: SearchOptions, selection: Selection
    ) -> None:
        again = command("main", {"algorithms": ",".join(failed), **changed(protocol), **changed(search)})
        super().__init__(f"These algorithms failed, see the output above: {', '.join(failed)}. Try again: {again}")
        self.selection = selection


class Budget:
    """Shares the time that is left among the searches that are to come."""

    def __init__(self, seconds: float, searches: int) -> None:
        self.seconds, self.searches, self.began = seconds, searches, time.monotonic()

    def share(self, search: SearchOptions) -> SearchOptions:
        """The next search, with its share of the time; without a timeout it is as it was."""
        if not self.seconds:
            return search
        left = max(SHORTEST, self.seconds - (time.monotonic() - self.began))
        share = dataclasses.replace(search, timeout=max(SHORTEST, left / self.searches))
        self.searches -= 1
        return share


def run_all(algorithms: Sequence[str], protocol: DataOptions, search: SearchOptions, progress: Progress) -> Selection:
    """Train the algorithms one after the other, then select among all comparable runs.

    With a timeout each search may take its share of the time that is left: what one does not need the next ones have.
    An algorithm that fails does not stop the others: SomeFailed is raised at the end, with the selection.
    """
    with open_run("main", selection_tags()) as run:
        dataset = load_dataset(protocol.data, protocol.split_seed, protocol.train_size, progress)
        searched = changed(search)
        run.log_params({"algorithms": ",".join(algorithms), **dataclasses.asdict(protocol), **searched})
        # The children are told what was found, lest each of them looks for MNIST anew.
        found = dataclasses.replace(protocol, data=dataset.name)
        budget = Budget(search.timeout, len(algorithms))
        failed = [name for name in algorithms if not _train(run, name, found, budget.share(search), dataset.fallback)]
        if len(failed) == len(algorithms):
            raise UserFacingError("Every algorithm failed, see the output above.")
        selection = select_in(run, dataset, SelectParams(split_seed=protocol.split_seed), progress)
        if failed:
            raise SomeFailed(failed, protocol, search, selection)
        return selection


def _train(main: Run, algorithm: str, protocol: DataOptions, search: SearchOptions, fallback: str) -> bool:
    """Run one algorithm as `mlflow run` would: in a process of its own, that finds its run in the environment."""
    parent = main.client.get_run(main.id)
    experiment = parent.info.experiment_id
    tags = {key: parent.data.tags[key] for key in ORIGIN if key in parent.data.tags}
    tags |= {"mlflow.project.entryPoint": algorithm, "main_run": main.id}
    if fallback:
        tags["dataset_fallback"] = fallback
    run_id = main.client.create_run(experiment, tags=tags, run_name=algorithm).info.run_id
    if search.study != NEW_STUDY:
        search = dataclasses.replace(search, study=f"{search.study}-{algorithm}")
    settings = dataclasses.asdict(protocol) | changed(search)
    options = [f"--{name}={value}" for name, value in settings.items()]
    typed = [sys.executable, "-m", "mnist_mlflow", algorithm, *options]
    try:
        status = _run_to_its_end(typed, {"MLFLOW_RUN_ID": run_id, "MLFLOW_EXPERIMENT_ID": experiment})
    finally:
        if main.client.get_run(run_id).info.status == "RUNNING":  # it was killed before it could say so
            close_for(Run(main.client, run_id), "its process ended without a word")
    return status == 0


def _run_to_its_end(typed: Sequence[str], environment: Mapping[str, str]) -> int:
    child = subprocess.Popen(typed, env={**os.environ, **environment})
    try:
        return child.wait()
    except BaseException:
        child.terminate()  # it closes its run before it goes
        child.wait()
        raise
