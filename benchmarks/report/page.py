"""The page: its head, the sections in order, and the circumstances of each measurement."""

from pathlib import Path

from benchmarks.report.ensemble import ensemble
from benchmarks.report.growth import draw, growth
from benchmarks.report.overhead import overhead
from benchmarks.report.prediction import prediction
from benchmarks.report.rows import rows
from benchmarks.report.searches import searches
from benchmarks.report.seeds import seeds
from benchmarks.report.selecting import selections
from benchmarks.report.serving import serving
from benchmarks.report.tables import table
from benchmarks.report.team import team
from benchmarks.report.training import training
from benchmarks.report.wild import wild
from benchmarks.results import Results

HEAD = """# Benchmark

Written by `python -m benchmarks` (`make bench`); the single measurements are in [results.json](results.json).
*Ours* are the algorithms of this project with their default settings, *peer* is the program of the same name in
[peers](peers), on pixels. Ours learns from 45,000 of MNIST's 60,000 training images (5,000 more stop and calibrate,
10,000 rank), the peer from all 60,000; both are scored on the 10,000 test images. Each measurement has a process of
its own, ours and the peer's by turns. Libraries and images are loaded before the clock starts (but for OpenCV and
SciPy, which ours loads when it needs them); features are part of fit and of prediction, and computed again each
time. Figures are medians, accuracies means; *times as fast* is the peer's time divided by ours, the median of the
pairs with the lowest and the highest. Ours has another seed in each pair; the 95 % interval is what 10,000 images
allow, and knows nothing of seeds. `cnn accurate` is learned in tracked runs, whose models the ensemble below finds,
and compared with the peer of `cnn`; its memory is that of MLflow and the pictures too. The size of a Keras peer is
that of the file that `model.save` writes, in which the optimizer remembers two numbers for each of the network.
"""
SECTIONS = {
    "wild": wild,
    "ensemble": ensemble,
    "prediction": prediction,
    "overhead": overhead,
    "growth": growth,
    "search": searches,
    "selecting": selections,
    "seeds": seeds,
    "serving": serving,
    "team": team,
    "main": training,
}


def write_report(folder: Path, results: Results) -> None:
    """Write RESULTS.md, and the picture in it, from all that has been measured."""
    if "growth" in results:
        draw(results["growth"]["records"], folder / "growth.png")
    sections = [HEAD, *rows(results)]
    for part, section in SECTIONS.items():
        if part in results:
            sections += section(results[part])
    (folder / "RESULTS.md").write_text("\n".join([*sections, _circumstances(results)]), encoding="utf-8")


def _circumstances(results: Results) -> str:
    measured = {part: figures["measured"] for part, figures in results.items()}
    machines = list(dict.fromkeys(record["machine"] for record in measured.values()))
    text = "\n".join(f"{number}. {machine}" for number, machine in enumerate(machines, 1))
    lines = (
        [part, record["date"], record["commit"], str(machines.index(record["machine"]) + 1), f"`{record['command']}`"]
        for part, record in measured.items()
    )
    return table("When and where", ("part", "date", "commit", "machine", "command"), lines, text)
