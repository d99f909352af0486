"""Rows: accuracy, time, memory and size of ours and the peers."""

from statistics import median

from benchmarks.report.compare import Records, interval, is_accurate, mean_accuracy, ratios, typical, verdict
from benchmarks.report.tables import Cells, figure, spread, table
from benchmarks.results import Results
from benchmarks.targets import ROWS, Row

READING = """Where the peer reads faster it looks at the pixels as they are. To set the digits upright and to describe
their strokes is nearly all of what `logistic` takes, and as much of every row but the CNN's; without it the trees of
`forest` and `xgboost` read in a time like their peers'. `cnn accurate` has twice the filters, and is asked as
`mlflow.pyfunc` loads it."""


def rows(results: Results) -> list[str]:
    """The four tables of the rows that have been measured."""
    measured = [
        (row, results[name]["ours"], results.get(row.algorithm, {}).get("peer", []))
        for name, row in ROWS.items()
        if name in results
    ]
    if not measured:
        return []
    return [
        table("Accuracy", ACCURACY, (_accuracy(*sides) for sides in measured)),
        table("Fit", TIME, (_time(*sides, "fit_seconds") for sides in measured)),
        table("Prediction of 10,000 images", TIME, (_time(*sides, "predict_seconds") for sides in measured), READING),
        table("Memory and size", SIZE, (_size(*sides) for sides in measured)),
    ]


ACCURACY = ("row", "ours %", "95 % interval", "by seed", "peer %", "to reach %", "", "learned from (ours, peer)")


def _accuracy(row: Row, ours: Records, peer: Records) -> Cells:
    accuracy = mean_accuracy(ours)
    reached = verdict(is_accurate(accuracy, row.accuracy))
    learned = ", ".join(f"{records[0]['learned']:,}" for records in (ours, peer) if records)
    theirs = f"{mean_accuracy(peer):.2f}" if peer else "not measured"
    seeds = " ".join(f"{100 * record['accuracy']:.2f}" for record in ours)
    own = [row.name, f"{accuracy:.2f}", _interval(accuracy, ours[0]["tested"]), seeds]
    return [*own, theirs, f"{row.accuracy:.2f}", reached, learned]


def _interval(accuracy: float, tested: int) -> str:
    low, high = interval(accuracy, tested)
    return f"{low:.2f} to {high:.2f}"


TIME = ("row", "ours s", "peer s", "times as fast", "to reach", "")


def _time(row: Row, ours: Records, peer: Records, key: str) -> Cells:
    target = {"fit_seconds": row.fit, "predict_seconds": row.predict}[key]
    reached = verdict(median(ratios(row, ours, peer, key)) >= target) if target and peer else ""
    return [row.name, *_sides(row, ours, peer, key), goal(target), reached]


def goal(target: float | None) -> str:
    """The wording of a target of time."""
    if target is None:
        return ""
    if target < 1:
        return f"at most {1 / target:.0f} times the peer's time"
    return "no slower" if target == 1 else f"at least {target:.0f} times as fast"


SIZE = (
    *("row", "peak memory: ours MB", "peer MB", "peer / ours"),
    *("model: ours MB", "peer MB", "peer / ours", "engine of ours"),
)


def _size(row: Row, ours: Records, peer: Records) -> Cells:
    cells = [cell for key in ("peak_mb", "model_mb") for cell in _sides(row, ours, peer, key)]
    return [row.name, *cells, ours[0]["engine"]]


def _sides(row: Row, ours: Records, peer: Records, key: str) -> Cells:
    theirs = [figure(typical(peer, key)), spread(ratios(row, ours, peer, key))] if peer else ["not measured", ""]
    return [figure(typical(ours, key)), *theirs]
