"""Groups of seeds: error rates and power."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from scipy.stats import binomtest

from benchmarks.report.compare import verdict
from benchmarks.report.tables import Cells, table
from benchmarks.results import Results
from benchmarks.targets import MOST_FALSE

CHANCE = 0.01  # how seldom a rate that is reached may come out as high
WAYS = ("tested", "lucky", "by_seeds")
EQUAL = ("images", "seeds", "told apart at most", "with spreads", "to reach", "", "luckiest seeds", "seeds alone")
UNEQUAL = ("seeds", "spread", "better by", "found", "luckiest seeds", "seeds alone")
LONE, ITS_SPREAD = 1, ("large", "none")  # one seed whose configuration spreads, which nothing can tell

ABOUT = """How often two configurations of several seeds are called different (5 %), where the truth is known. *Told
apart* is by the test of the project: over images and seeds (Clark's min F'), and over the seeds alone too. Beside it is
what people do instead: McNemar's test of the luckiest seed of each, and Welch's t-test of the seeds' accuracies. Half
of a model's mistakes are those of its other seeds too, and a quarter those of the other configuration's. Models read
99.5 % of 10,000 images right, or 99 % of 257. Beyond single images the seed changes the share of mistakes by nothing,
or with a standard deviation of 6 % of it (small: 0.03 points of 99.5 %), 20 % (moderate) or 40 % (large: 0.2 points).
"""

RATES = """
{simulations:,} simulations of each setting. A row is the worst of six pairs of spreads: equal ones, and a large one
beside none. *Reached*: what is above 5 % is chance, as it is one time in a hundred or more. One seed borrows the spread
of the other configuration. Where its own is large and the other has none no test can know, and {lone:.1%} are told
apart: train more than one seed."""

POWER = "Unequal configurations of which both have so many seeds, on 10,000 images."


def seeds(results: Results) -> list[str]:
    """Error rates, then power, a section each."""
    lone = next(record for record in results["equal"] if _is_lone(record))
    text = ABOUT + RATES.format(simulations=results["simulations"], lone=lone["tested"])
    return [
        table("Seeds: equal configurations", EQUAL, _equal(results), text),
        table("Seeds: how much is found", UNEQUAL, map(_unequal, results["unequal"]), POWER),
    ]


def _equal(results: Results) -> Iterator[Cells]:
    others = [record for record in results["equal"] if not _is_lone(record)]
    for (images, counts), group in groupby(others, key=lambda record: (record["images"], record["seeds"])):
        settings = list(group)
        worst = max(settings, key=lambda record: record["tested"])
        naive = [max(record.get(way, -1.0) for record in settings) for way in WAYS[1:]]
        yield [
            *(f"{images:,}", " and ".join(map(str, counts)), f"{worst['tested']:.1%}", ", ".join(worst["spreads"])),
            *(f"at most {MOST_FALSE:.0%}", _verdict(worst["tested"], results["simulations"]), *map(_rate, naive)),
        ]


def _verdict(rate: float, simulations: int) -> str:
    by_chance = binomtest(round(rate * simulations), simulations, MOST_FALSE, alternative="greater").pvalue
    return verdict(by_chance >= CHANCE)


def _unequal(record: dict[str, Any]) -> Cells:
    points = f"{100 * record['difference']:.2f} points"
    rates = [_rate(record[way]) for way in WAYS]
    return [str(record["seeds"][0]), record["spreads"][0], points, *rates]


def _is_lone(record: dict[str, Any]) -> bool:
    return record["seeds"][0] == LONE and record["images"] == 10_000 and tuple(record["spreads"]) == ITS_SPREAD


def _rate(rate: float) -> str:
    return "" if rate < 0 else f"{rate:.1%}"
