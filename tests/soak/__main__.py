"""`python -m tests.soak`: kills commands at random moments, and prints a table of what came of them."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.soak.lane import Tally

AT_A_TIME = 2  # phases


def main() -> int:
    """The exit status: 0 where nothing was lost."""
    options = _parse()
    print(f"{options.kills} kills, seed {options.seed}", flush=True)
    started, folder = time.perf_counter(), Path(tempfile.mkdtemp(prefix="soak-"))
    tallies = _run(options.kills, options.seed, folder)
    _show(tallies, time.perf_counter() - started)
    if problems := [problem for tally in tallies for problem in tally.problems]:
        print(*problems, f"What was left lies in {folder}", sep="\n")
        return 1
    shutil.rmtree(folder)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    return parser.parse_args()


def _run(kills: int, seed: int, folder: Path) -> list[Tally]:
    """Have the phases killed, some at a time, in forks of this process, which imports everything first."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from mnist_mlflow.tracking.store import open_store
    from tests.soak.arena import Arena
    from tests.soak.forks import ask
    from tests.soak.lane import run_phase
    from tests.soak.moments import rehearse
    from tests.soak.phases import KNN, PHASES

    store = folder / "mlflow.db"
    ask(lambda: bool(open_store(f"sqlite:///{store}")), folder)
    rehearse(lambda: Arena(folder / "first", store).type(*KNN), folder)  # imports what most commands do
    with ProcessPoolExecutor(AT_A_TIME, multiprocessing.get_context("fork")) as pool:
        shares = {name: kills * share // 100 for name, (_, share) in PHASES.items()}
        shares["training"] += kills - sum(shares.values())
        jobs = [pool.submit(run_phase, name, count, seed, folder, store) for name, count in shares.items() if count]
        return [job.result() for job in jobs]


def _show(tallies: list[Tally], seconds: float) -> None:
    from tabulate import tabulate

    rows = [_row(tally) for tally in tallies]
    numbers = [sum(row[column] for row in rows) for column in (1, 4, 5, 6)]
    total = ["all", numbers[0], "", "", *numbers[1:], f"{seconds:.0f} s"]
    titles = ("phase", "kills", "signals", "the run, as the kill left it", "went on", "lost", "orphans", "time")
    print(tabulate([*rows, total], titles, tablefmt="github"))


def _row(tally: Tally) -> list[Any]:
    counts = _counts(tally.signals), _counts(tally.left)
    return [
        tally.phase,
        tally.kills,
        *counts,
        tally.whole,
        len(tally.problems),
        tally.orphans,
        f"{tally.seconds:.0f} s",
    ]


def _counts(counter: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.removeprefix('SIG')}" for name, count in sorted(counter.items()) if count)


if __name__ == "__main__":
    sys.exit(main())
