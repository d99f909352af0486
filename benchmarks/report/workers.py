"""Algorithms that train at the same time."""

from benchmarks.report.tables import figure, table
from benchmarks.results import Results

ABOUT = """`main` on the bundled digits, with the selection at its end: all algorithms one after the other, then two at
a time, each with its share of the cores. *Largest difference* is that of any of its metrics on the validation images.
"""


def workers(results: Results) -> list[str]:
    """The times and the differences."""
    alone, together = results["seconds"]["1"], results["seconds"]["2"]
    row = [figure(alone), figure(together), f"{alone / together:.2f}"]
    differences = [[name, f"{value:.1g}" if value else "none"] for name, value in results["differences"].items()]
    return [
        table("Algorithms at the same time", ("one s", "two s", "times as fast"), [row], ABOUT),
        table("Algorithms at the same time: their figures", ("algorithm", "largest difference"), differences),
    ]
