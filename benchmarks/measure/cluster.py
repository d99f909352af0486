"""A search with processes, and on a Ray cluster of one, two and three machines of one core each.

`python -m benchmarks.measure.cluster` prints the table of docs/team.md. The machines are Linux's namespaces (as root).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import optuna
from optuna.storages import RDBStorage

from benchmarks.measure.postgresql import postgresql
from tests.cluster import Cluster, cluster, network, why_not

WAYS = {"processes, workers=2": 0, "cluster, 1 machine": 1, "cluster, 2 machines": 2, "cluster, 3 machines": 3}


@dataclass(frozen=True)
class Figures:
    """The seconds of a whole command, and from its first trial's start to its last trial's end; trials by machine."""

    whole: float
    trying: float
    learning: float  # the seconds of all trials together
    machines: dict[str, int]


@click.command()
@click.option("--trials", default=200, show_default=True, type=click.IntRange(3))
@click.option("--algorithm", default="forest", show_default=True)
def main(trials: int, algorithm: str) -> None:
    """Measure the same search in four ways, and print a row for each."""
    if reason := why_not():
        raise click.ClickException(f"No machines can be made here: {reason}")
    click.echo("| where | whole command | trials | a trial | of that learning | trials by machine |")
    click.echo("| --- | --- | --- | --- | --- | --- |")
    for way, figures in measure(algorithm, trials):
        a_trial, learning = 1000 * figures.trying / trials, 1000 * figures.learning / trials
        times = f"{figures.whole:.0f} s | {figures.trying:.1f} s | {a_trial:.0f} ms | {learning:.0f} ms"
        click.echo(f"| {way} | {times} | {', '.join(map(str, figures.machines.values()))} |")


def measure(algorithm: str, trials: int) -> Iterator[tuple[str, Figures]]:
    """The figures of each way, as soon as they are measured."""
    for way, size in WAYS.items():
        with (
            tempfile.TemporaryDirectory(prefix="cluster-") as folder,
            network() as bridge,
            postgresql(bridge.address) as studies,
            cluster(bridge, Path(folder), max(1, size)) as machines,
        ):
            address = f"--cluster={machines.address}" if size else "--workers=2"
            yield way, search(machines, Path(folder), studies, algorithm, f"--trials={trials}", address)


def search(cluster: Cluster, folder: Path, studies: str, algorithm: str, *options: str) -> Figures:
    """Search on the first machine; its store is a file there."""
    variables = {"OPTUNA_STORAGE": studies, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    words = [sys.executable, "-m", "mnist_mlflow", algorithm, "--data=digits", "--study=measured", *options]
    started = time.perf_counter()
    process = cluster.head.popen(*words, variables=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed, _ = process.communicate()
    whole = time.perf_counter() - started
    if process.returncode:
        raise click.ClickException(printed.decode())
    storage = RDBStorage(studies)
    trials = optuna.load_study(study_name="measured", storage=storage).trials
    storage.engine.dispose()
    return summarise(whole, trials)


def summarise(whole: float, trials: list[optuna.trial.FrozenTrial]) -> Figures:
    """The figures of trials that have all ended."""
    first = min(trial.datetime_start for trial in trials if trial.datetime_start)
    last = max(trial.datetime_complete for trial in trials if trial.datetime_complete)
    hosts = [trial.user_attrs["owner"]["host"] for trial in trials]
    learning = sum(trial.user_attrs["outcome"]["seconds"] for trial in trials)
    by_machine = {host: hosts.count(host) for host in sorted(set(hosts))}
    return Figures(whole, (last - first).total_seconds(), learning, by_machine)


if __name__ == "__main__":
    main()
