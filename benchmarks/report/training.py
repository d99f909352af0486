"""Algorithms that train at the same time."""

from statistics import median

from benchmarks.report.tables import figure, table
from benchmarks.results import Results

ABOUT = """`main` on {data}, with the selection at its end: all algorithms one after the other, then several at a time,
which is what it does where nobody says how many. Both ways by turns, each with an empty store and an empty cache; the
figures are medians. *Work* is that of all processes together, *busy* its share of what the {cores} cores could do.
"""
EQUAL = "How far any metric on the validation images is from the same one of the other way.\n"


def training(results: Results) -> list[str]:
    """The times and the differences."""
    seconds = {way: median(run["seconds"] for run in runs) for way, runs in results["runs"].items()}
    work = {way: median(run["work"] for run in runs) for way, runs in results["runs"].items()}
    rows = [
        [
            f"{way} at a time",
            figure(seconds[way]),
            f"{seconds[way] / seconds['one']:.0%}",
            figure(work[way]),
            f"{work[way] / seconds[way] / results['cores']:.0%}",
        ]
        for way in seconds
    ]
    about = ABOUT.format(data=results["data"], cores=results["cores"])
    differences = [[name, f"{value:.1g}" if value else "none"] for name, value in results["differences"].items()]
    return [
        table("Algorithms at the same time", ("main", "s", "of the time", "work, s", "busy"), rows, about),
        table("Algorithms at the same time: their figures", ("algorithm", "largest difference"), differences, EQUAL),
    ]
