"""Finished runs that are the same as a task, and make training it again needless."""

from __future__ import annotations

import logging
from dataclasses import replace

import mlflow
from mlflow.entities import Run

from mnist_mlflow.algorithms.base import get_algorithm, resolve
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.tracking import provenance
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.configurations import CONFIGURATION, configuration
from mnist_mlflow.tracking.models import has_model
from mnist_mlflow.tracking.queries import search_runs
from mnist_mlflow.tracking.store import project_root

_logger = logging.getLogger(__name__)


class FinishedRuns:
    """The finished runs on a data set by the code of today: none where the work tree has changes.

    Of the experiment of that name; of all for none.
    """

    def __init__(self, client: mlflow.MlflowClient, dataset: Dataset, experiment: str = "") -> None:
        self.client, self.dataset, self.experiment = client, dataset, experiment
        root = project_root()
        self.commit = provenance.git_commit(root) if provenance.uncommitted_changes(root) == b"" else None
        if self.commit is None:
            _logger.warning(
                "needed=1 finds no run that is the same: the code has no commit, or changes since. Commit them."
            )

    def same_as(self, task: Task) -> Candidate | None:
        """The newest run of the same task whose model is there; None where it has to be trained."""
        if self.commit is None:
            return None
        finished = "attributes.status = 'FINISHED' and tags.role = 'model'"
        clean = f"tags.`mlflow.source.git.commit` = '{self.commit}' and tags.git_dirty = 'False'"
        runs = [*search_runs(self.client, f"{finished} and {clean} and {self._condition(task)}", self.experiment)]
        candidates = (self._candidate(run) for run in reversed(runs) if self._is_same_search(run, task))
        return next(filter(None, candidates), None)

    def _condition(self, task: Task) -> str:
        """The condition that runs of the task meet; of a search the hyperparameters are not known before."""
        if task.searches:
            data = (
                f"tags.dataset_digest = '{self.dataset.digest}' and tags.split_digest = '{self.dataset.split_digest}'"
            )
            return f"tags.algorithm = '{task.algorithm}' and tags.search_ended = 'complete' and {data}"
        params = resolve(get_algorithm(task.algorithm), task.hyperparameters)
        same = configuration(task, params, self.dataset)
        return f"tags.{CONFIGURATION} = '{same}' and params.seed = '{task.protocol.seed}'"

    def _is_same_search(self, run: Run, task: Task) -> bool:
        """True for a run whose search is the task's, under whichever name of the data set, or that has none."""
        if not task.searches:
            return True
        has_same_data = run.data.tags.get("added_digest", "") == self.dataset.added_digest
        return has_same_data and self._named(Task.from_run(run.data.tags)) == self._named(task)

    def _named(self, task: Task) -> Task:
        return replace(task, protocol=replace(task.protocol, data=self.dataset.address))

    def _candidate(self, run: Run) -> Candidate | None:
        """The run with its model; None where that is gone."""
        model_ids = (output.model_id for output in run.outputs.model_outputs)
        model_id = next((one for one in model_ids if has_model(self.client, one)), None)
        return as_candidate(run, model_id) if model_id else None
