"""Selections: error rates and times."""

from typing import Any

from benchmarks.report.compare import verdict
from benchmarks.report.tables import Cells, figure, table
from benchmarks.results import Results
from benchmarks.targets import LEAST_POWER, MOST_FALSE, RANK_SECONDS

RATES = ("two models, 10,000 images", "called better", "to reach", "")
KINDS = {
    "equal": ("both 99 %, mistakes independent", False),
    "equal_sharing": ("both 99 %, hard images in common", False),
    "unequal": ("99.0 % and 98.5 %, half of the better one's mistakes in common", True),
}
RANKED = ("store", "runs", "models", "compared image by image", "first s", "s", "to reach", "", "peak memory MB")

ABOUT = """How often the more accurate-looking of two simulated models is called significantly better (McNemar's exact
test, 5 %), where the truth is known."""

RANKING = """From a store that is connected to the standings: the most accurate comparable models are listed, the
validation probabilities of at most a hundred of them read and tested, models on other images and newer runs looked for.
The median of five in one process, and the first of them."""


def selections(results: Results) -> list[str]:
    """Rates and times, a section each."""
    rates = results["rates"]
    text = f"{ABOUT} {rates['simulations']:,} simulations each."
    return [
        table("Selection: how it decides", RATES, (_rate(rates, kind) for kind in KINDS), text),
        table("Selection: how long it takes to rank", RANKED, map(_ranked, results["ranked"]), RANKING),
    ]


def _rate(rates: dict[str, float], kind: str) -> Cells:
    name, should = KINDS[kind]
    rate = rates[kind]
    if should:
        return [name, f"{rate:.1%}", f"at least {LEAST_POWER:.0%}", verdict(rate >= LEAST_POWER)]
    return [name, f"{rate:.1%}", f"at most {MOST_FALSE:.0%}", verdict(rate <= MOST_FALSE)]


def _ranked(record: dict[str, Any]) -> Cells:
    return [
        *(record["store"], f"{record['runs']:,}", f"{record['models']:,}", str(record["compared"])),
        *(figure(record["first_seconds"]), figure(record["seconds"]), f"at most {RANK_SECONDS}"),
        *(verdict(record["seconds"] <= RANK_SECONDS), figure(record["peak_mb"])),
    ]
