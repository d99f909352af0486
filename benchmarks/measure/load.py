"""The load that a worker of a search puts on the database of the studies: `python -m benchmarks.measure.load`.

It prints the statements and commits of a trial, the connections of a worker, and the time of an admission. Admission
is the one step that no two workers take at once.
"""

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

import click
from sqlalchemy import event
from tabulate import tabulate

from benchmarks.measure.postgresql import postgresql
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import load_dataset
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.search.queue import TrialQueue
from mnist_mlflow.search.runner import run_trial
from mnist_mlflow.search.spec import SearchSpec

TRIALS = 200
HEAD = ("storage", "statements", "commits", "connections", "admission, ms", "all that is no learning, ms")


@click.command(help=__doc__)
@click.option("--trials", default=TRIALS, show_default=True, type=click.IntRange(2), help="How many to try.")
def main(trials: int) -> None:
    """Print the load on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [("SQLite", *measure(f"sqlite:///{folder}/optuna.db", trials))]
    with postgresql() as address:
        rows.append(("PostgreSQL", *measure(address, trials)))
    click.echo(tabulate(rows, HEAD, tablefmt="github", floatfmt=".0f"))


def measure(address: str, trials: int) -> tuple[float, float, int, float, float]:
    """The figures of a trial, by one worker that tries so many."""
    task = Task("svm", {}, DataOptions("digits", train_size=200, trials=trials))
    dataset = load_dataset("digits", train_size=200)
    queue = TrialQueue(SearchSpec(task, "measured", address))
    admissions: list[float] = []
    with counted(queue.storage.engine) as counts:
        began = time.perf_counter()
        while trial := timed(queue, admissions):
            run_trial(trial, queue, dataset)
        whole = time.perf_counter() - began
    learning = sum(record.seconds or 0.0 for record in queue.records())
    queue.close()
    per_trial = counts["statements"] / trials, counts["commits"] / trials
    return *per_trial, counts["connections"], 1000 * median(admissions), 1000 * (whole - learning) / trials


def timed(queue: TrialQueue, seconds: list[float]) -> Any:
    """The next trial of a queue; the seconds of its admission go into the list."""
    began = time.perf_counter()
    trial = queue.next()
    seconds.append(time.perf_counter() - began)
    return trial


@contextlib.contextmanager
def counted(engine: Any) -> Iterator[Counter[str]]:
    """Counts of what goes to a database: statements, commits, and the most connections at a time."""
    counts: Counter[str] = Counter()

    def count(*arguments: object) -> None:
        counts["statements"] += 1
        counts["connections"] = max(counts["connections"], engine.pool.checkedout())

    def count_commit(*arguments: object) -> None:
        counts["commits"] += 1

    listeners = {"before_cursor_execute": count, "commit": count_commit}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield counts
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


if __name__ == "__main__":
    main()
