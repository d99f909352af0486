"""An evaluation in the terminal: scores on test images, on corrupted validation images, or on somebody's own."""

from __future__ import annotations

import re

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.examination import absent_digits, count_confusions, worst_readings
from mnist_mlflow.evaluation.robustness import COVERAGE, MEAN, SELECTIVE_ERROR, by_corruption
from mnist_mlflow.jobs.corruptions import CorruptionScores
from mnist_mlflow.jobs.evaluate import Evaluation
from mnist_mlflow.jobs.examination import READINGS, Examination
from mnist_mlflow.reports.figures import openings_text

ACCURACY, OF_A_DIGIT = "test_accuracy", re.compile(r"test_f1_\d")
MOST_CONFUSED, WORST = 8, 5
OWN = {"own_coverage": "sure of", "own_selective_error": "wrong among these", "own_accuracy": "accuracy"}


def show_test(out: Terminal, evaluation: Evaluation) -> None:
    """The test metrics of a model, the accuracy last: what is last is read first in a terminal."""
    out.say(f"{evaluation.model} on the test images of {evaluation.dataset}:")
    metrics = dict(evaluation.metrics)
    digits = [f"{metrics.pop(name):.4f}" for name in list(metrics) if OF_A_DIGIT.fullmatch(name)]
    out.say(f"  test_f1_0 to test_f1_9  {'  '.join(digits)}", hanging="  ")
    low, high = (metrics.pop(f"{ACCURACY}_{end}") for end in ("low", "high"))
    for name in reversed(metrics):
        interval = f"  ({low:.4f} to {high:.4f})" if name == ACCURACY else ""
        out.print(f"  {name:28} {metrics[name]:.4f}{interval}")
    out.say(openings_text(evaluation.openings))


def show_corruptions(out: Terminal, scores: CorruptionScores) -> None:
    """The accuracies of a model on corrupted images, the worst first, then their mean."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("accuracy % at strength", *map(str, STRENGTHS), ""):
        table.add_column(head, justify="right" if head.isdigit() else "left", no_wrap=True)
    accuracies = by_corruption(scores.metrics)
    for name, values in accuracies.items():
        table.add_row(name.replace("_", " "), *(f"{100 * value:.2f}" for value in values), CORRUPTIONS[name].words)
    images = f"{scores.images:,} validation images"
    out.say(f"{scores.model} on {images}, each changed in sixty ways, the worst first:")
    out.print(table)
    for name in (MEAN, COVERAGE, SELECTIVE_ERROR):
        if name in scores.metrics:
            out.print(f"  {name:30} {scores.metrics[name]:.4f}")
    out.say("The test images were not opened.")


def show_examination(out: Terminal, examination: Examination) -> None:
    """The mistakes of a model on somebody's own pictures, then its scores with their intervals, the accuracy last."""
    metrics, readings = examination.metrics, examination.readings
    pictures = f"{len(readings):,} pictures of {examination.data}"
    out.say(f"{examination.model} on {pictures}, of which it has learned nothing:")
    confused = [f"{label} as {digit} ({count})" for label, digit, count in count_confusions(readings)[:MOST_CONFUSED]]
    if confused:
        out.say(f"It reads {', '.join(confused)}. The worst:")
    for row in worst_readings(readings)[:WORST].itertuples():
        out.say(f"  {row.file}: {row.label} read as {row.digit}, confidence {row.confidence:.3f}")
    if absent := absent_digits(readings["label"].to_numpy()):
        out.say(f"No picture shows {', '.join(map(str, absent))}.")
    out.say(f"Every reading is in {READINGS} of run {examination.run_id}.")
    for name, words in OWN.items():
        if name in metrics:
            value, low, high = (100 * metrics[f"{name}{end}"] for end in ("", "_low", "_high"))
            out.print(f"  {words:18} {value:6.2f} %  ({low:.2f} to {high:.2f})")
