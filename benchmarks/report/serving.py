"""Servers under load."""

from typing import Any

from benchmarks.report.compare import verdict
from benchmarks.report.tables import Cells, figure, table
from benchmarks.results import Results
from benchmarks.targets import REQUEST_MS, REQUESTS_A_SECOND, SLOWEST_MS, THOUSAND_MS

NAMES = {"mlflow": "`mlflow models serve`", "serve": "`serve`"}
ABOUT = """{model} behind one process of each server. Clients are Python processes on the same machine. Each sends one
image a request, as JSON, one after the other; each hundredth is a mistake and has to cost its own 400 alone. To reach:
p50 {p50} ms, p99 {p99} ms, {rate} requests a second of eight clients.
"""
LARGE = """A request with a thousand images. *Beyond reading* is the time of the JSON without what `json.loads` takes
for it, to reach {most} ms. *npy* is a file of `np.save`, which `serve` takes as it is, too.
"""
FORMS = ("JSON", "npy in JSON", "npy")


def serving(results: Results) -> list[str]:
    """A table of small requests, and one of large ones."""
    small = [_small(server, results[server]) for server in NAMES]
    large = [_large(server, results[server]) for server in NAMES]
    head = ("server", "p50 ms", "p99 ms", "requests a second of eight", "their p50 ms", "their p99 ms", "MB", "")
    about = ABOUT.format(model=results["model"], p50=REQUEST_MS, p99=SLOWEST_MS, rate=REQUESTS_A_SECOND)
    return [
        table("Serving", head, small, about),
        table(
            "Serving a thousand images",
            ("server", *(f"{form} ms" for form in FORMS), "beyond reading ms", ""),
            large,
            LARGE.format(most=THOUSAND_MS),
        ),
    ]


def _small(server: str, figures: dict[str, Any]) -> Cells:
    one, eight = figures["clients"]["1"], figures["clients"]["8"]
    reached = one["p50_ms"] <= REQUEST_MS and one["p99_ms"] <= SLOWEST_MS
    reached = reached and eight["requests_a_second"] >= REQUESTS_A_SECOND
    values = (one["p50_ms"], one["p99_ms"], *(eight[key] for key in ("requests_a_second", "p50_ms", "p99_ms")))
    return [NAMES[server], *map(figure, (*values, figures["mb"])), verdict(reached)]


def _large(server: str, figures: dict[str, Any]) -> Cells:
    times = figures["thousands"]
    beyond = times["JSON"] - figures["reading_ms"]
    cells = [figure(times[form]) if form in times else "" for form in FORMS]
    return [NAMES[server], *cells, figure(beyond), verdict(beyond <= THOUSAND_MS)]
