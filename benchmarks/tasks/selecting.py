"""Selection where the truth is known, and the time it takes to rank a large store."""

import time
from typing import Any

import mlflow
import numpy as np

from benchmarks.process import peak_mb
from benchmarks.tasks.big_store import IMAGES, LABELS
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Entry, compare_with_best
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import statistically_tied
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query, not_comparable
from mnist_mlflow.tracking.queries import newer_runs
from mnist_mlflow.tracking.store import connect
from mnist_mlflow.types import Part

EQUAL = 0.99  # the accuracy of two models that are equally good
BETTER, WORSE = 0.990, 0.985  # and of two that are not
TIMES = 5


def rank_store(store: str) -> dict[str, float]:
    """Seconds from a connected store to all comparisons, with what else a selection asks of the store."""
    mlflow.set_tracking_uri(store)
    client, query = connect(), Query("data", "split")
    validation = Part(np.zeros((IMAGES, 28, 28), np.uint8), LABELS)
    seconds, compared = [], 0
    for _ in range(TIMES):
        started = time.perf_counter()
        pool = CandidatePool(Candidates(client, query), Evidence(validation), Rule(), {})
        entries = compare_with_best(pool.contenders)
        not_comparable(client, query)
        newer_runs(client, "", entries[0].candidate.end_time, 100)
        seconds.append(time.perf_counter() - started)
        compared = len(entries)
    return {
        "first_seconds": seconds[0],
        "seconds": float(np.median(seconds)),
        "compared": compared,
        "peak_mb": peak_mb(),
    }


def simulated_rates(simulations: int) -> dict[str, float]:
    """Shares of pairs whose more accurate-looking model is called significantly better: equals, and unequals.

    Of the unequal ones the worse makes half of the mistakes of the better one too.
    """
    random = np.random.default_rng(0)
    pairs = {"equal": _equals, "equal_sharing": _equals_that_share, "unequal": _better_and_worse}
    called = {kind: [_is_called_better(*draw(random)) for _ in range(simulations)] for kind, draw in pairs.items()}
    return {"simulations": simulations, **{kind: float(np.mean(better)) for kind, better in called.items()}}


def _equals(random: np.random.Generator) -> list[Any]:
    return [random.random(IMAGES) >= 1 - EQUAL for _ in range(2)]


def _equals_that_share(random: np.random.Generator) -> list[Any]:
    """Two models that both find the same images hard, and read half of those wrong."""
    hard = random.random(IMAGES) < 2 * (1 - EQUAL)
    return [~(hard & (random.random(IMAGES) < 0.5)) for _ in range(2)]


def _better_and_worse(random: np.random.Generator) -> list[Any]:
    better = random.random(IMAGES) >= 1 - BETTER
    shares = ~better & (random.random(IMAGES) < 0.5)
    own = (1 - WORSE - (1 - BETTER) / 2) / BETTER  # of the images that the better one reads right
    return [better, ~(shares | (better & (random.random(IMAGES) < own)))]


def _is_called_better(first: Any, second: Any) -> bool:

    pair = [Entry(Candidate("r", "m", "simulated"), right[None]) for right in (first, second)]
    compared = compare_with_best(sorted(pair, key=lambda entry: entry.mistakes))
    return len(statistically_tied(compared)) == 1
