"""What the store holds that can be compared: finished runs scored on the same images, and what cannot."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.exceptions import MlflowException

from mnist_mlflow.errors import UsageError, one_line
from mnist_mlflow.tracking.queries import experiment_ids

MODELS_A_PAGE = 125  # as many as a selection looks at in a store where many are close: each page sorts them all anew
NEWEST = 200  # runs on other images that are looked at
TEST_METRIC = re.compile(r"metrics?\.[`\"']?test_", re.IGNORECASE)
BEST_FIRST = (("metrics.val_accuracy", False), ("metrics.val_log_loss", True), ("creation_timestamp", True))


@dataclass(frozen=True)
class Candidate:
    """A finished run of training with its model; where its artifacts are, and when it ended (ms since the epoch)."""

    run_id: str
    model_id: str
    algorithm: str
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: str = ""
    ended: int = 0

    @property
    def model_uri(self) -> str:
        """Where MLflow loads the model from."""
        return f"models:/{self.model_id}"

    @property
    def final_metrics(self) -> dict[str, float]:
        """The metrics of the model that was kept, without the last points of learning curves."""
        return {name: value for name, value in self.metrics.items() if not name.startswith(("train_", "epoch_"))}

    @property
    def test_metrics(self) -> dict[str, float]:
        """What an earlier opening of the test images gave, if there was one."""
        return {name: value for name, value in self.metrics.items() if name.startswith("test_")}


@dataclass(frozen=True)
class Query:
    """Which runs may take part: on which images they are scored, and what else is asked of them.

    `since` is in milliseconds since the epoch, `where` in MLflow's filter language for runs. Empty: any.
    """

    dataset_digest: str
    split_digest: str
    algorithms: tuple[str, ...] = ()
    since: int = 0
    experiment: str = ""
    where: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the images is asked for."""
        return bool(self.algorithms or self.since or self.experiment or self.where)

    @property
    def conditions(self) -> list[str]:
        """What the filters ask of a run, in MLflow's language."""
        started = [f"attributes.start_time >= {self.since}"] if self.since else []
        return [*started, *([self.where] if self.where else [])]


@dataclass(frozen=True)
class NotComparable:
    """Models that learned from, or are scored on, other images: one run of them as an example."""

    dataset: str
    dataset_digest: str
    split_digest: str
    split_seed: str
    run_id: str

    @property
    def text(self) -> str:
        """Which images they are, in words."""
        return f"runs on {self.dataset}, split_seed={self.split_seed}, for example {self.run_id}"


def find_candidates(client: mlflow.MlflowClient, query: Query) -> Iterator[Candidate]:
    """Comparable runs, the best first: by accuracy, then by log loss, then the older; read as they are asked for.

    Raises UsageError for an experiment that there is not, or a condition that MLflow does not understand.
    """
    experiments = experiment_ids(client, query.experiment)
    check_condition(client, query)
    same = f"tags.dataset_digest = '{query.dataset_digest}' and tags.split_digest = '{query.split_digest}'"
    seen: set[str] = set()
    for models in _pages_of_models(client, experiments, same):
        ready: dict[str, str] = {}  # the best model of each run
        for model in models:
            if model.status == LoggedModelStatus.READY and model.source_run_id not in seen:
                ready.setdefault(model.source_run_id, model.model_id)
        runs = {run.info.run_id: run for run in _runs_of(client, experiments, ready, query)}
        seen |= ready.keys()
        yield from filter(None, (_candidate(runs[run], ready[run], query) for run in ready if run in runs))


def check_condition(client: mlflow.MlflowClient, query: Query) -> None:
    """Raise UsageError for a condition that MLflow does not understand."""
    if not query.where:
        return
    if TEST_METRIC.search(query.where):
        raise UsageError(
            f"where={query.where!r} asks for test metrics: the test images are shut until the choice is made. "
            'Ask for validation metrics, for example: where="metrics.val_accuracy > 0.99"'
        )
    try:
        client.search_runs(["0"], query.where, max_results=1)
    except MlflowException as error:
        raise UsageError(
            f"where={query.where!r} is no filter that MLflow understands ({one_line(error)}). "
            "For example: where=\"metrics.val_log_loss < 0.05 and params.features = 'hog'\""
        ) from error


def _pages_of_models(
    client: mlflow.MlflowClient, experiments: list[str], condition: str
) -> Iterator[list[LoggedModel]]:
    order = [{"field_name": name, "ascending": ascending} for name, ascending in BEST_FIRST]
    token: str | None = ""
    while token is not None:
        page = client.search_logged_models(
            experiments, condition, max_results=MODELS_A_PAGE, order_by=order, page_token=token or None
        )
        yield list(page)
        token = page.token or None


def _runs_of(
    client: mlflow.MlflowClient, experiments: list[str], run_ids: Iterable[str], query: Query
) -> Iterable[Run]:
    listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
    if not listed:
        return []
    asked = [f"attributes.run_id IN ({listed})", "attributes.status = 'FINISHED'", "tags.role = 'model'"]
    found: Iterable[Run] = client.search_runs(
        experiments, " and ".join([*asked, *query.conditions]), max_results=MODELS_A_PAGE
    )
    return found


def _candidate(run: Run, model_id: str, query: Query) -> Candidate | None:
    found = _as_candidate(run, model_id)
    scored = all(math.isfinite(found.metrics.get(f"val_{name}", math.nan)) for name in ("accuracy", "log_loss"))
    return found if scored and (not query.algorithms or found.algorithm in query.algorithms) else None


def _as_candidate(run: Run, model_id: str) -> Candidate:
    data, info = run.data, run.info
    return Candidate(
        info.run_id,
        model_id,
        data.tags.get("algorithm", ""),
        data.metrics,
        data.params,
        data.tags,
        info.artifact_uri,
        info.end_time or 0,
    )


def as_candidate(client: mlflow.MlflowClient, run_id: str, model_id: str) -> Candidate:
    """A run as a candidate, whether it may take part or not."""
    return _as_candidate(client.get_run(run_id), model_id)


def not_comparable(client: mlflow.MlflowClient, query: Query) -> list[NotComparable]:
    """The other images that the newest models are scored on or learned from, one run of each as an example."""
    experiments = experiment_ids(client, query.experiment)
    condition = f"tags.role = 'model' and tags.split_digest != '{query.split_digest}'"
    same_split = f"tags.role = 'model' and tags.split_digest = '{query.split_digest}'"
    found: dict[tuple[str, str], NotComparable] = {}
    for asked in (condition, f"{same_split} and tags.dataset_digest != '{query.dataset_digest}'"):
        for run in client.search_runs(experiments, asked, max_results=NEWEST, order_by=["start_time DESC"]):
            other = _as_not_comparable(run)
            found.setdefault((other.dataset_digest, other.split_digest), other)
    return list(found.values())


def _as_not_comparable(run: Run) -> NotComparable:
    tags, seed = run.data.tags, run.data.params.get("split_seed", "unknown")
    dataset, digest, split = (tags.get(name, "unknown") for name in ("dataset", "dataset_digest", "split_digest"))
    return NotComparable(dataset, digest, split, seed, run.info.run_id)
