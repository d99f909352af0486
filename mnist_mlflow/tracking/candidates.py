"""What the store holds that can be compared: finished runs scored on the same images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import mlflow
from mlflow.entities import Experiment, Run

RUNS_A_PAGE = 1_000


@dataclass(frozen=True)
class Candidate:
    """A finished run of training with its model."""

    run_id: str
    model_id: str
    algorithm: str
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)

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


def find_candidates(client: mlflow.MlflowClient, dataset_digest: str, split_digest: str) -> list[Candidate]:
    """All comparable runs of all experiments, the best first: by accuracy, then by log loss, then the older."""
    conditions = {"role": "model", "dataset_digest": dataset_digest, "split_digest": split_digest}
    condition = " and ".join(f"tags.{key} = '{value}'" for key, value in conditions.items())
    scored = "metrics.val_accuracy >= 0 and metrics.val_log_loss >= 0"
    runs = search_runs(client, f"attributes.status = 'FINISHED' and {scored} and {condition}")
    candidates = [_candidate(run) for run in runs if run.outputs and run.outputs.model_outputs]
    return sorted(candidates, key=lambda found: (-found.metrics["val_accuracy"], found.metrics["val_log_loss"]))


def _candidate(run: Run) -> Candidate:
    model_id = run.outputs.model_outputs[0].model_id
    return Candidate(run.info.run_id, model_id, run.data.tags["algorithm"], run.data.metrics, run.data.params)


def search_runs(client: mlflow.MlflowClient, condition: str) -> Iterator[Run]:
    """All runs of all experiments that meet a condition in MLflow's filter language, the oldest first."""
    experiments = [found.experiment_id for found in _experiments(client)]
    token: str | None = ""
    while token is not None:
        page = client.search_runs(
            experiments, condition, max_results=RUNS_A_PAGE, order_by=["start_time"], page_token=token or None
        )
        yield from page
        token = page.token or None


def _experiments(client: mlflow.MlflowClient) -> Iterator[Experiment]:
    token: str | None = ""
    while token is not None:
        page = client.search_experiments(page_token=token or None)
        yield from page
        token = page.token or None
