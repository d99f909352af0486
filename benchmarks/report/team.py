"""A team's server against a SQLite file."""

from benchmarks.report.compare import verdict
from benchmarks.report.tables import figure, table
from benchmarks.results import Results

COSTS = (
    "store",
    "tracking a run, s",
    "to reach",
    "",
    "tracking a trial, s",
    "`select` of all algorithms, s",
    "to reach",
    "",
)
MOST_RUN, MOST_SELECT, MOST_RANK = 3, 8, 3
ABOUT = """`digits`, on one machine with the server: what the network adds is not in it. A run is kNN, the median of
three; a trial is one of twenty of a search, its share of what tracking took more. The server has logins with their
cache."""


def team(results: Results) -> list[str]:
    """The costs by store, and what the server takes to rank a large store."""
    costs = (
        [
            *(one["store"], figure(one["run"]), f"at most {MOST_RUN}", verdict(one["run"] <= MOST_RUN)),
            figure(one["trial"]),
            *(figure(one["select"]), f"at most {MOST_SELECT}", verdict(one["select"] <= MOST_SELECT)),
        ]
        for one in results["costs"]
    )
    ranked = results["ranked"]
    text = (
        f"To rank {ranked['runs']:,} runs, {ranked['models']:,} of them with a model, through the server takes "
        f"{figure(ranked['seconds'])} s (to reach: at most {MOST_RANK}), {figure(ranked['first_seconds'])} s the first "
        f"time; {ranked['compared']} were compared image by image. "
        f"The server has {figure(results['server_mb'])} MB then."
    )
    return [table("A team's server", COSTS, costs, f"{ABOUT}\n\n{text}")]
