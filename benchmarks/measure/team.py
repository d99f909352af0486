"""A team's server, as deploy/ sets it up, against a SQLite file.

Measured are a run, a trial, a selection, a ranking, and the memory of the server.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil
import requests

from benchmarks.measure.postgresql import is_installed
from benchmarks.measure.store import Store
from benchmarks.measure.team_server import TeamServer, team_server
from benchmarks.process import MB, run_python, run_task, timed
from benchmarks.targets import ALGORITHMS

REPEATS = 3
TRIALS = 20
RUNS, MODELS = 10_000, 2_000
Variables = Mapping[str, str]


def measure_team(store: Store) -> dict[str, Any]:
    """Seconds by store: of tracking a run and a trial, of a selection; to rank a large server; its memory."""
    click.echo("team")
    if not is_installed():
        raise click.ClickException("PostgreSQL's server is not installed: apt-get install postgresql")
    file = {"MLFLOW_TRACKING_URI": f"sqlite:///{store.folder}/alone.db"}
    shrink = 10 if store.train_size else 1
    with team_server() as server:
        account = _account(server)
        costs = [{"store": kind, **_costs(where)} for kind, where in (("SQLite", file), ("server", account))]
        ranked = _rank(server, account, RUNS // shrink, MODELS // shrink)
        return {"costs": costs, "ranked": ranked, "server_mb": _memory(server.process.pid)}


def _account(server: TeamServer) -> Variables:
    """The variables of a new account, which the administrator makes."""
    account, administrator = ("measured", "measured-password"), ("admin", server.settings["TEAM_ADMIN_PASSWORD"])
    new = dict(zip(("username", "password"), account, strict=True))
    address = f"{server.uri}/api/2.0/mlflow/users/create"
    requests.post(address, json=new, auth=administrator, timeout=30).raise_for_status()
    return {
        "MLFLOW_TRACKING_URI": server.uri,
        "OPTUNA_STORAGE": server.studies,
        "MLFLOW_EXPERIMENT_NAME": account[0],
        "MLFLOW_TRACKING_USERNAME": account[0],
        "MLFLOW_TRACKING_PASSWORD": account[1],
    }


def _costs(where: Variables) -> dict[str, Any]:
    """Seconds of tracking for a run of kNN and for a trial; seconds of a selection of all algorithms."""
    plain = [_train(where, "knn") for _ in range(REPEATS)]
    searched = _train(where, "knn", "--trials", str(TRIALS))
    for algorithm in ALGORITHMS:
        if algorithm != "knn":
            _train(where, algorithm)
    _, seconds = timed(lambda: _type(where, "select"))
    run = median(plain)
    return {"run": run, "trial": (searched - run) / TRIALS, "select": seconds}


def _type(where: Variables, *words: str) -> str:
    return run_python("-m", "mnist_mlflow", *words, "--data", "digits", **where)


def _train(where: Variables, algorithm: str, *options: str) -> float:
    """The seconds of tracking of a run that is trained now."""
    _type(where, algorithm, *options)
    return float(_task("team.newest_tracking_seconds", where, store=where["MLFLOW_TRACKING_URI"]))


def _task(task: str, where: Variables, **arguments: Any) -> Any:
    printed = run_python("-m", "benchmarks.tasks", task, json.dumps(arguments), **where)
    return json.loads(printed.splitlines()[-1])


def _rank(server: TeamServer, account: Variables, runs: int, models: int) -> dict[str, Any]:
    """Rank a store of so many runs through the server, which hands on their artifacts too."""
    folder = str(Path(server.settings["TEAM_ARTIFACTS"]) / "0")
    address, database = "mlflow-artifacts:/0", f"{server.database.rpartition('/')[0]}/mlflow"
    run_task("big_store.fill", store=database, folder=folder, runs=runs, models=models, address=address)
    return {"runs": runs, "models": models, **_task("selecting.rank_store", account, store=server.uri)}


def _memory(pid: int) -> float:
    """The memory of a process and its children, where what they share counts once."""
    process = psutil.Process(pid)
    return float(sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / MB)
