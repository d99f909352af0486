"""Costs of a run in a team's store."""

import mlflow

from mnist_mlflow.tracking.store import connect


def newest_tracking_seconds(store: str) -> float:
    """The seconds of tracking of the newest run of training."""
    mlflow.set_tracking_uri(store)
    client = connect()
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments, "tags.role = 'model'", max_results=1, order_by=["start_time DESC"])
    return float(run.data.metrics["tracking_seconds"])
