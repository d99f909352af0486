"""Searches: races and gains."""

from typing import Any

from benchmarks.report.compare import verdict
from benchmarks.report.tables import Cells, figure, table
from benchmarks.results import Results
from benchmarks.targets import SEARCH_RATIO, WORKERS

RACED = (
    *("search", "seed", "s", "unpruned", "trials", "unpruned", "times as many", ""),
    *("best log loss", "unpruned", ""),
)
GAINED = (
    *("search", "trials (pruned)", "s", "validation %", "defaults %", "difference, points"),
    *("log loss", "defaults", "what it changed"),
)

ABOUT = f"""A search whose laggards are pruned against one that learns each trial to the end, both for as long. Each
has {WORKERS} workers that begin when the clock starts, and features to compute. A trial counts when it is complete or
pruned, not what was under way when the time was up. Pruned, {SEARCH_RATIO} times as many have to end, and the best
hyperparameters have to be at least as good on the tuning slice."""

LIMITS = """What limits it on `cnn`: the bests of both sides come near a floor. Two fits with other seeds differ by
about 0.001, so that which side is ahead by less is chance. A first look takes a tenth of a whole fit, a third of that
for TensorFlow to trace the network, and what goes on are the larger networks, which take twice as long. A stricter rule
(17fa5c9: a tenth at most, no exception for new bests) ended 70 and 72 trials in 480 s on seeds 0 and 1, but learned too
few of them to the end (best 0.0192 and 0.0195)."""

GAINS = """Searches as users type them, `-P trials=30`, against a run with the defaults: both models are scored on the
10,000 validation images, which no trial has seen, and the difference is that of the pairs, with its 95 % interval."""


def searches(results: Results) -> list[str]:
    """Races and gains, a section each."""
    sides = ([record for record in results["raced"] if record["prune"] == prune] for prune in (True, False))
    races = list(map(_race, *sides))
    limited = any(verdict(False) in race for race in races)
    return [
        table("Search: pruned against unpruned", RACED, races, f"{ABOUT}\n\n{LIMITS}" if limited else ABOUT),
        table("Search: what it finds", GAINED, map(_gain, results["gained"]), GAINS),
    ]


def _race(pruned: dict[str, Any], other: dict[str, Any]) -> Cells:
    ratio = pruned["trials"] / max(1, other["trials"])
    better = other["best"] is None or (pruned["best"] is not None and pruned["best"] <= other["best"])
    return [
        *(pruned["algorithm"], str(pruned["seed"]), figure(pruned["seconds"]), figure(other["seconds"])),
        *(str(pruned["trials"]), str(other["trials"]), figure(ratio), verdict(ratio >= SEARCH_RATIO)),
        *(_loss(pruned["best"]), _loss(other["best"]), verdict(better)),
    ]


def _loss(value: float | None) -> str:
    return "none" if value is None else f"{value:.5f}"


def _gain(gained: dict[str, Any]) -> Cells:
    best, defaults, trials = gained["best"], gained["defaults"], gained["trials"]
    mean, low, high = (100 * value for value in gained["difference"])
    params = ", ".join(f"{key}={_short(value)}" for key, value in gained["params"].items())
    return [
        *(gained["algorithm"], f"{sum(trials.values())} ({trials['pruned']})", figure(gained["seconds"])),
        *(f"{100 * side['val_accuracy']:.2f}" for side in (best, defaults)),
        f"{mean:+.2f} ({low:+.2f} to {high:+.2f})",
        *(f"{side['val_log_loss']:.4f}" for side in (best, defaults)),
        params,
    ]


def _short(value: str) -> str:
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value
