"""Training once with each of several seeds: runs in processes of their own, within one run that sums them up."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mnist_mlflow.algorithms.base import get_algorithm, lacking_library, missing_library, resolve
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.evaluation.spread import WITH_INTERVAL, summarise
from mnist_mlflow.jobs.clusters import training_workers
from mnist_mlflow.jobs.launch import LaunchError, Outcome, Training, launch_all
from mnist_mlflow.jobs.recording import RunResult, record_skipped
from mnist_mlflow.jobs.reuse import as_reused
from mnist_mlflow.parameters import pick, typed
from mnist_mlflow.protocol import SearchOptions, SeedsOptions, changed, command
from mnist_mlflow.reports.markdown import table
from mnist_mlflow.search.workers import Shown, Workers
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.tracking.finished import FinishedRuns
from mnist_mlflow.tracking.lifecycle import open_run
from mnist_mlflow.tracking.results import DataKey, as_metrics
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import Progress

Outcomes = dict[int, Outcome]  # by seed


@dataclass(frozen=True)
class SeedsTask:
    """An algorithm to train with each of several seeds, so many at the same time.

    Raises UsageError for what a task does not accept, and for a seed beside the seeds. It does so for a search too:
    each seed would find another configuration.
    """

    task: Task  # of the first seed
    seeds: tuple[int, ...]
    workers: int
    cluster: str = ""

    @classmethod
    def from_settings(cls, algorithm: str, settings: Mapping[str, Any]) -> Self:
        """The task with options and hyperparameters by their names."""
        options = {name: settings[name] for name in ("seeds", "workers", "cluster") if name in settings}
        rest = {name: value for name, value in settings.items() if name not in options}
        seeds, places = pick(SeedsOptions, options).seeds, pick(SearchOptions, options)
        trials, timeout = rest.get("trials"), rest.get("timeout")
        if rest.get("seed"):
            raise UsageError(f"seeds={typed(seeds)} and seed={rest['seed']} do not go together: leave seed out.")
        if trials or timeout:
            searched = f"trials={trials}" if trials else f"timeout={timeout}"
            raise UsageError(
                f"seeds={typed(seeds)} and {searched} do not go together: each seed would find other hyperparameters. "
                f"Search with one seed first, leave seeds out; then type the hyperparameters with the seeds."
            )
        return cls(Task.from_settings(algorithm, {**rest, "seed": seeds[0]}), seeds, places.workers, places.cluster)

    @property
    def name(self) -> str:
        """The name of the run around those of the seeds."""
        return f"{self.of_seed(0).name} seeds {typed(self.seeds)}"

    def of_seed(self, seed: int) -> Task:
        """The task of one seed."""
        return dataclasses.replace(self.task, protocol=dataclasses.replace(self.task.protocol, seed=seed))

    def command(self, *seeds: int) -> str:
        """The shell command that trains this with some of the seeds."""
        settings = {name: value for name, value in self.task.settings.items() if name != "seed"}
        some: dict[str, object] = {"seeds": seeds} if len(seeds) > 1 else {"seed": seeds[0]}
        places = changed(SearchOptions(workers=self.workers, cluster=self.cluster)) if len(seeds) > 1 else {}
        return command(self.task.algorithm, settings | some | places)


@dataclass(frozen=True)
class SeedsResult:
    """The run of several seeds, the run of each seed, and the metrics that sum them up."""

    run_id: str
    seeds: Mapping[int, RunResult]
    metrics: Mapping[str, float]


def train_seeds(task: SeedsTask, progress: Progress, is_reusing: bool = False) -> SeedsResult:
    """Train with each seed in a process and a run of its own; the run around them sums them up.

    Where finished runs are reused, a seed that one of them has trained is not trained again.

    A seed that fails does not stop the others; then UserFacingError says how to train those that are missing.
    """
    algorithm = task.task.algorithm
    if lacking := lacking_library([algorithm]):
        raise missing_library(lacking)
    tags = {"algorithm": algorithm, "role": "seeds", "command": task.command(*task.seeds)}
    options = task.task.protocol
    dataset = load_dataset(options.data, options.split_seed, options.train_size, progress)
    with (
        training_workers(task.cluster, task.workers, searches=False) as workers,
        open_run(algorithm, tags, name=task.name) as run,
    ):
        run.set_tags(dataset_tags(dataset))
        record_skipped(run, dataset)
        run.log_params(_params(task))
        reused = _find_finished(task, run, dataset) if is_reusing else {}
        missing = [seed for seed in task.seeds if seed not in reused]
        outcomes = reused | _train_all(task, missing, run, dataset, workers, progress)
        outcomes = {seed: outcomes[seed] for seed in task.seeds}
        trained = {seed: outcome for seed, outcome in outcomes.items() if isinstance(outcome, RunResult)}
        run.set_tags({"seed_runs": ",".join(result.run_id for result in trained.values())})
        if len(trained) < len(outcomes):
            raise UserFacingError(_failure(task, outcomes))
        metrics = summarise([result.metrics for result in trained.values()])
        key = DataKey(f"{dataset.name}-validation", dataset.split_digest)
        run.log_metrics(as_metrics(run, metrics, None, key))
        run.describe(_as_table(trained, metrics))
        return SeedsResult(run.id, trained, metrics)


def _params(task: SeedsTask) -> dict[str, object]:
    """The parameters that the runs of all seeds share, and the seeds."""
    hyperparameters = resolve(get_algorithm(task.task.algorithm), task.task.hyperparameters)
    params = dataclasses.asdict(task.task.protocol) | dataclasses.asdict(hyperparameters)
    del params["seed"], params["trials"]
    return params | {"seeds": typed(task.seeds), "workers": task.workers}


def _find_finished(task: SeedsTask, run: Run, dataset: Dataset) -> Outcomes:
    """The results of the seeds that finished runs have trained already."""
    runs = FinishedRuns(run.client, dataset)
    same = {seed: runs.same_as(task.of_seed(seed)) for seed in task.seeds}
    return {seed: as_reused(candidate) for seed, candidate in same.items() if candidate}


def _train_all(
    task: SeedsTask, seeds: Sequence[int], run: Run, dataset: Dataset, workers: Workers, progress: Progress
) -> Outcomes:
    """The result or the failure of each of some seeds; an interruption ends all processes."""
    tags = {"mlflow.parentRunId": run.id}
    trainings = [Training.of_task(f"seed {seed}", task.of_seed(seed), dataset, tags, Shown.ERRORS) for seed in seeds]
    what, total = f"{task.task.algorithm}, {len(seeds)} seeds", len(seeds)
    progress(what, 0, total)
    outcomes = launch_all(trainings, run, workers, lambda done: progress(what, done, total))
    return {seed: outcomes[f"seed {seed}"] for seed in seeds}


def _failure(task: SeedsTask, outcomes: Outcomes) -> str:
    """The seeds that failed, with the reasons, and the command that trains them alone."""
    failures = {seed: outcome for seed, outcome in outcomes.items() if isinstance(outcome, LaunchError)}
    reasons = [f"\n  seed {seed}, run {error.run_id}: {error}" for seed, error in failures.items()]
    first = f"{len(failures)} of {len(outcomes)} seeds failed; the runs of the others are kept."
    return f"{first} Train those that are missing: {task.command(*failures)}{''.join(reasons)}"


def _as_table(trained: Mapping[int, RunResult], metrics: Mapping[str, float]) -> str:
    """The main metrics of each seed, their mean, standard deviation and interval, in Markdown."""
    rows = [
        [str(seed), *(f"{result.metrics[name]:.4f}" for name in WITH_INTERVAL), result.run_id]
        for seed, result in trained.items()
    ]
    for title, ending in {"mean": "", "standard deviation": "_std", "95 % from": "_low", "to": "_high"}.items():
        rows.append([title, *(f"{metrics[f'{name}{ending}']:.4f}" for name in WITH_INTERVAL), ""])
    return table(rows, ("seed", *WITH_INTERVAL, "run"))
