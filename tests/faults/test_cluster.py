"""A search on a Ray cluster of three machines, parts of which die meanwhile; tests/soak has the other deaths."""

from __future__ import annotations

import pytest

from benchmarks.measure.postgresql import stopped
from tests.cluster import wait_for, why_not
from tests.place import END, SMALL, Place, place, started
from tests.team_server import SECRETS

__all__ = ["place", "started"]  # fixtures
pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(bool(why_not()), reason=f"no machines here: {why_not()}")]


def test_a_search_on_all_machines_survives_the_death_of_a_worker_and_a_restart_of_the_database(place: Place) -> None:
    cluster, study = place.cluster, "three"
    arguments = ("forest", *SMALL, "--trials=24", f"--study={study}", f"--cluster={cluster.address}")
    with place.typed(cluster.machines[1], *arguments) as process:
        wait_for(lambda: len(place.owners(study)) == len(cluster.machines))
        cluster.machines[2].processes("ray::run_on_node")[0].kill()
        with stopped(place.server.database):
            pass
        printed, _ = process.communicate(timeout=END)
    assert process.returncode == 0, printed
    assert "Lost on node2: WorkerCrashedError" in printed
    assert place.count(study) == 24
    (run,) = place.runs(f"tags.study = '{study}' and tags.role = 'model'")
    assert (run.info.status, run.data.tags["search_ended"]) == ("FINISHED", "complete")
    assert len(place.runs(f"tags.mlflow.parentRunId = '{run.info.run_id}'")) >= 24
    assert not place.workers()
    told = printed.encode() + b"".join(file.read_bytes() for one in cluster.machines for file in one.ray_logs())
    assert b"join" in told
    assert not [secret for secret in SECRETS.values() if secret.encode() in told]
