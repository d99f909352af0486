"""Trials of a search: small child runs, one level deep."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mlflow.entities import Metric, Param

from mnist_mlflow.tracking.runs import Run


def log_trial(
    parent: Run,
    number: int,
    seconds: float,
    tags: Mapping[str, str],
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    failure: str = "",
) -> None:
    """Write down a trial that took `seconds` and has just ended, as a child run `trial-000`."""
    client, now = parent.client, int(time.time() * 1000)
    experiment = client.get_run(parent.id).info.experiment_id
    ours = {**tags, "role": "trial", "mlflow.parentRunId": parent.id}
    if failure:
        ours["failure"] = failure
    name = f"trial-{number:03d}"
    child = client.create_run(experiment, now - int(seconds * 1000), tags=ours, run_name=name).info.run_id
    client.log_batch(
        child,
        params=[Param(key, str(value)) for key, value in params.items()],
        metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
    )
    client.set_terminated(child, "FAILED" if failure else "FINISHED", now)
