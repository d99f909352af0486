"""Candidates of a selection: finished runs that are scored on the same images, and examples of those that are not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from mnist_mlflow.errors import UsageError, one_line
from mnist_mlflow.tracking.configurations import CONFIGURATION
from mnist_mlflow.tracking.queries import RUN_ID, experiment_ids

PARTIAL = "partial"  # the tag of a model that was interrupted before it had learned all
MODELS_A_PAGE = 125  # as many as a selection reads where many are close: each page sorts the whole store
NEWEST = 200  # runs on other images that are read
DIGEST = re.compile(r"[0-9a-f]{16}")
REPRODUCES = "reproduces"  # the tag of a run that makes another one again, which is no candidate beside it
IMAGE_TAGS = ("dataset", "dataset_digest", "split_digest")
TEST_METRIC = re.compile(r"metrics?\.[`\"']?test_", re.IGNORECASE)
BEST_FIRST = (("metrics.val_accuracy", False), ("metrics.val_log_loss", True), ("creation_timestamp", True))


@dataclass(frozen=True)
class Candidate:
    """A finished run of training with its model; `end_time` is in milliseconds since the epoch.

    `artifacts` is where the run's files are, `location` where the model's are, if that is known.
    """

    run_id: str
    model_id: str
    algorithm: str
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: str = ""
    end_time: int = 0
    location: str = ""

    @property
    def model_uri(self) -> str:
        """The URI that MLflow loads the model from."""
        return f"models:/{self.model_id}"

    @property
    def configuration(self) -> str:
        """The configuration whose seed this is; empty for a run that has none, and for what is no digest."""
        digest = self.tags.get(CONFIGURATION, "")
        return digest if DIGEST.fullmatch(digest) else ""

    @property
    def final_metrics(self) -> dict[str, float]:
        """The metrics of the finished model, without the last points of learning curves."""
        return {name: value for name, value in self.metrics.items() if not name.startswith(("train_", "epoch_"))}

    @property
    def test_metrics(self) -> dict[str, float]:
        """The metrics of an earlier opening of the test images, if there was one."""
        return {name: value for name, value in self.metrics.items() if name.startswith("test_")}


@dataclass(frozen=True)
class Query:
    """A query for runs that are scored on the same images, with filters; an empty filter lets any run pass.

    `since` is in milliseconds since the epoch, `where` in MLflow's filter language for runs.
    """

    dataset_digest: str
    split_digest: str
    algorithms: tuple[str, ...] = ()
    since: int = 0
    experiment: str = ""
    where: str = ""

    @property
    def is_narrow(self) -> bool:
        """True if there is any filter beside the images and the experiment."""
        return bool(self.algorithms or self.since or self.where)

    @property
    def asks_for_partial(self) -> bool:
        """True if it asks for models that were interrupted, as `where="tags.partial = '1'"` does."""
        return f"tags.{PARTIAL}" in self.where


@dataclass(frozen=True)
class NotComparable:
    """Other images that models learned from or are scored on, with one run as an example."""

    dataset: str
    dataset_digest: str
    split_digest: str
    split_seed: str
    run_id: str

    @property
    def text(self) -> str:
        """The images in words."""
        return f"runs on {self.dataset}, split_seed={self.split_seed}, for example {self.run_id}"


class Candidates(Iterator[Candidate]):
    """Comparable runs, the best first: by accuracy, then by log loss, then the older; read page by page.

    `complete` has all of them as soon as the last page was read. The first raises UsageError for a missing experiment,
    or a condition that MLflow does not understand.
    """

    def __init__(self, client: mlflow.MlflowClient, query: Query) -> None:
        self.client, self.query = client, query
        self.complete: list[Candidate] | None = None
        self._candidates = self._read()

    def __next__(self) -> Candidate:
        """The next candidate."""
        return next(self._candidates)

    def _read(self) -> Iterator[Candidate]:
        experiments = experiment_ids(self.client, self.query.experiment)
        check_condition(self.client, self.query)
        read: list[Candidate] = []
        runs_before: set[str] = set()  # whose best model was on an earlier page
        token: str | None = ""
        while token is not None:
            models = self._search(experiments, token)
            best: dict[str, LoggedModel] = {}  # of each run
            for model in models:
                if self._is_asked_for(model) and model.source_run_id not in runs_before:
                    best.setdefault(model.source_run_id, model)
            page = self._as_candidates(best, experiments)
            runs_before |= best.keys()
            read += page
            token = models.token or None
            self.complete = None if token else read
            yield from page

    def _search(self, experiments: list[str], token: str) -> PagedList[LoggedModel]:
        query = self.query
        same = f"tags.dataset_digest = '{query.dataset_digest}' and tags.split_digest = '{query.split_digest}'"
        order = [{"field_name": name, "ascending": ascending} for name, ascending in BEST_FIRST]
        size = {"max_results": MODELS_A_PAGE, "order_by": order}
        return self.client.search_logged_models(experiments, same, page_token=token or None, **size)

    def _is_asked_for(self, model: LoggedModel) -> bool:
        is_partial = PARTIAL in model.tags
        return bool(model.source_run_id and model.status == LoggedModelStatus.READY) and (
            is_partial == self.query.asks_for_partial
        )

    def _as_candidates(self, models: Mapping[str, LoggedModel], experiments: list[str]) -> list[Candidate]:
        """The candidates of models by their runs, in this order, as far as the runs may take part."""
        runs = {run.info.run_id: run for run in _runs_of(self.client, experiments, models, self.query)}
        candidates = (
            as_candidate(runs[run_id], model.model_id, model.artifact_location)
            for run_id, model in models.items()
            if run_id in runs
        )
        return [candidate for candidate in candidates if may_take_part(candidate, self.query)]


def candidates_of(client: mlflow.MlflowClient, run_ids: Iterable[str], query: Query) -> Iterator[Candidate]:
    """The runs with these ids that are there and meet the conditions of a query, each with its first model."""
    experiments, every = experiment_ids(client, query.experiment), list(run_ids)
    for start in range(0, len(every), MODELS_A_PAGE):
        for run in _runs_of(client, experiments, every[start : start + MODELS_A_PAGE], query):
            if run.outputs and run.outputs.model_outputs:
                yield as_candidate(run, run.outputs.model_outputs[0].model_id)


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


def _runs_of(
    client: mlflow.MlflowClient, experiments: list[str], run_ids: Iterable[str], query: Query
) -> Iterable[Run]:
    """The runs with these ids that have finished, or left a partial model, and meet the conditions of a query."""
    listed = ", ".join(f"'{run_id}'" for run_id in run_ids if RUN_ID.fullmatch(run_id))
    if not listed:
        return []
    conditions = [f"attributes.run_id IN ({listed})", *run_conditions(query)]
    runs: Iterable[Run] = client.search_runs(experiments, " and ".join(conditions), max_results=MODELS_A_PAGE)
    return runs


def run_conditions(query: Query) -> list[str]:
    """The conditions that a query sets for runs, whatever images they are scored on."""
    status = "KILLED" if query.asks_for_partial else "FINISHED"
    conditions = [f"attributes.status = '{status}'", "tags.role = 'model'"]
    conditions += [f"attributes.start_time >= {query.since}"] if query.since else []
    return conditions + ([query.where] if query.where else [])


def as_candidate(run: Run, model_id: str, location: str = "") -> Candidate:
    """A run with a model as a candidate, whether it may take part or not."""
    metrics, params, tags = run.data.metrics, run.data.params, run.data.tags
    about = run.info.run_id, model_id, tags.get("algorithm", "")
    return Candidate(*about, metrics, params, tags, run.info.artifact_uri, run.info.end_time or 0, location)


def may_take_part(candidate: Candidate, query: Query) -> bool:
    """True for a candidate that has the scores to be ranked by, of an algorithm that a query asks for."""
    scores = [candidate.metrics.get(name, math.nan) for name in ("val_accuracy", "val_log_loss")]
    if REPRODUCES in candidate.tags:  # old code calls it a model
        return False
    return all(map(math.isfinite, scores)) and (not query.algorithms or candidate.algorithm in query.algorithms)


def not_comparable(client: mlflow.MlflowClient, query: Query) -> list[NotComparable]:
    """The other images that the newest models are scored on or learned from, one run of each as an example."""
    experiments = experiment_ids(client, query.experiment)
    other_split = f"tags.split_digest != '{query.split_digest}'"
    other_data = f"tags.split_digest = '{query.split_digest}' and tags.dataset_digest != '{query.dataset_digest}'"
    examples: dict[tuple[str, str], NotComparable] = {}
    for condition in (other_split, other_data):
        models = f"tags.role = 'model' and {condition}"
        for run in client.search_runs(experiments, models, max_results=NEWEST, order_by=["start_time DESC"]):
            dataset, digest, split = (run.data.tags.get(name, "unknown") for name in IMAGE_TAGS)
            seed = run.data.params.get("split_seed", "unknown")
            examples.setdefault((digest, split), NotComparable(dataset, digest, split, seed, run.info.run_id))
    return list(examples.values())
