"""RESULTS.md: the figures, written for people."""

from pathlib import Path
from statistics import median

from benchmarks.measure.growth import draw
from benchmarks.report.compare import Records, interval, is_accurate, mean_accuracy, ratios, typical, verdict
from benchmarks.report.searches import searches
from benchmarks.report.selecting import selections
from benchmarks.report.tables import Cells, figure, spread, table
from benchmarks.results import Results
from benchmarks.targets import CALIBRATION, ENSEMBLE_ACCURACY, ROWS, START_SECONDS, Row

TESTED = 10_000  # MNIST's test images

HEAD = """# Benchmark

Written by `python -m benchmarks` (`make bench`); the single measurements are in [results.json](results.json).
*Ours* are the algorithms of this project with their default settings, *peer* is the program of the same name in
[peers](peers), on pixels. Ours learns from 45,000 of MNIST's 60,000 training images (5,000 more stop and calibrate,
10,000 rank), the peer from all 60,000; both are scored on the 10,000 test images. Each measurement has a process of
its own, ours and the peer's by turns. Libraries and images are loaded before the clock starts (but for OpenCV and
SciPy, which ours loads when it needs them); features are part of fit and of prediction, and computed anew each
time. Figures are medians, accuracies means; *times as fast* is the peer's time divided by ours, the median of the
pairs with the lowest and the highest. Ours has another seed in each pair; the 95 % interval is what 10,000 images
allow, and knows nothing of seeds. `cnn accurate` is learned in tracked runs, whose models the ensemble below finds,
and compared with the peer of `cnn`; its memory is that of MLflow and the pictures too. The size of a Keras peer is
that of the file that `model.save` writes, in which the optimizer remembers two numbers for each of the network.
"""

LIMITS = """What limits it: the models are wrong about the same images. On three held-out blocks of 5,000 training
images, in the order of the files, an accurate network made 58 to 63 mistakes in all 15,000, two that see deskewed
digits together 54, one of each view 49, and a vote of all models 44. Of the test images 15 have labels that most
readers dispute. Without the networks on pixels, and with votes chosen on all tuning images at once, the test images
gave 99.67 %; the other views and the votes by bags were chosen on those blocks. Tried there and left: elastic
distortion, twice the distortion, more filters, larger batches, a first convolution in strides."""

READING = """Where the peer reads faster it looks at the pixels as they are. To set the digits upright and to describe
their strokes is nearly all of what `logistic` takes, and as much of every row but the CNN's; without it the trees of
`forest` and `xgboost` read in a time like their peers'. `cnn accurate` has twice the filters, and is asked as
`mlflow.pyfunc` loads it."""

GROWTH = """## How cost grows

![Seconds of fitting, seconds of predicting 10,000 images, and validation error, by size](growth.png)

One measurement each. Up to 30,000 images the split is the protocol's, with its 5,000 tuning images beside them, whose
features are in the time too. To learn all 60,000, the last 5,000 of them in a seeded order tune as well: no images are
left for an honest error.
"""


def write_report(folder: Path, results: Results) -> None:
    """Write RESULTS.md, and the picture in it, from all that has been measured."""
    parts = {"ensemble": _ensemble, "overhead": _overhead}
    sections = [HEAD, *_rows(results)]
    sections += [section(results[part]) for part, section in parts.items() if part in results]
    if "growth" in results:
        draw(results["growth"]["records"], folder / "growth.png")
        sections.append(GROWTH)
    if "search" in results:
        sections += searches(results["search"])
    if "selecting" in results:
        sections += selections(results["selecting"])
    (folder / "RESULTS.md").write_text("\n".join([*sections, _measured(results)]))


def _rows(results: Results) -> list[str]:
    measured = [
        (row, results[name]["ours"], results.get(row.algorithm, {}).get("peer", []))
        for name, row in ROWS.items()
        if name in results
    ]
    if not measured:
        return []
    return [
        table("Accuracy", ACCURACY, (_accuracy(*found) for found in measured)),
        table("Fit", TIME, (_time(*found, "fit_seconds") for found in measured)),
        table("Prediction of 10,000 images", TIME, (_time(*found, "predict_seconds") for found in measured), READING),
        table("Memory and size", SIZE, (_size(*found) for found in measured)),
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
    """How a target of time is put."""
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


def _ensemble(results: Results) -> str:
    models = dict(results["models"])
    ours = models.pop("ensemble")
    best = max(models, key=lambda name: models[name]["val_accuracy"])
    accuracy = 100 * ours["test_accuracy"]
    text = (
        f"{accuracy:.2f} % of the test images ({_interval(accuracy, TESTED)}), to reach {ENSEMBLE_ACCURACY:.2f} %: "
        f"{verdict(is_accurate(accuracy, ENSEMBLE_ACCURACY))}. The best single model by validation accuracy, {best}, "
        f"has {100 * models[best]['test_accuracy']:.2f} %. All are trained once, by the entry points, with features "
        "that the first computes; the fit of the ensemble is the combining alone."
    )
    if not is_accurate(accuracy, ENSEMBLE_ACCURACY):
        text += f"\n\n{LIMITS}"
    worst = 100 * max(model["val_ece"] for model in results["models"].values())
    text += f"\n\nThe calibration error (`val_ece`) is {worst:.2f} points at most, to reach {CALIBRATION}: "
    text += f"{verdict(worst <= CALIBRATION)}."
    shares = ("val_accuracy", "val_ece", "test_accuracy")
    lines = (
        [name, *(f"{100 * model[key]:.2f}" for key in shares), figure(model["fit_seconds"]), _share(model)]
        for name, model in results["models"].items()
    )
    head = ("model", "validation %", "calibration error %", "test %", "fit s", "share of the vote %")
    return table("Ensemble", head, lines, text)


def _share(model: dict[str, float | None]) -> str:
    weight = model.get("weight")  # who does not vote has none
    return f"{100 * weight:.1f}" if weight else ""


def _overhead(results: Results) -> str:
    served = results["served"]
    starts = ((text, results[key]) for text, key in (("import", "import_seconds"), ("`--help`", "help_seconds")))
    text = "".join(
        f"- {what}: {seconds:.2f} s, below {START_SECONDS} s: {verdict(seconds < START_SECONDS)}\n"
        for what, seconds in starts
    )
    imports = results["knn_imports_tensorflow"]
    text += f"- a kNN run imports {'TensorFlow' if imports else 'no TensorFlow'}: {verdict(not imports)}\n"
    text += f"- a request with one image to `mlflow models serve` ({served['model']}): {served['median_ms']:.1f} ms, "
    text += f"95 in 100 under {served['p95_ms']:.1f} ms"
    keys = ("tracking_seconds", "single_ms", "batched_ms")
    lines = ([name, *(figure(model[key]) for key in keys)] for name, model in results["models"].items())
    head = ("model", "tracking s a run", "one image ms", "in 1,000: ms an image")
    return table("What is not learning", head, lines, text)


def _measured(results: Results) -> str:
    found = {part: figures["measured"] for part, figures in results.items()}
    machines = list(dict.fromkeys(measured["machine"] for measured in found.values()))
    text = "\n".join(f"{number}. {machine}" for number, machine in enumerate(machines, 1))
    lines = (
        [
            part,
            *(measured[key] for key in ("date", "commit")),
            str(machines.index(measured["machine"]) + 1),
            f"`{measured['command']}`",
        ]
        for part, measured in found.items()
    )
    return table("When and where", ("part", "date", "commit", "machine", "command"), lines, text)
