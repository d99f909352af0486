"""An evaluation in the terminal: scores on the test images, or on corrupted validation images."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.robustness import COVERAGE, MEAN, SELECTIVE_ERROR, by_corruption
from mnist_mlflow.jobs.corruptions import CorruptionScores
from mnist_mlflow.jobs.evaluate import Evaluation
from mnist_mlflow.reports.figures import openings_text


def show_test(out: Console, evaluation: Evaluation) -> None:
    """The test metrics of a model, a line each."""
    out.print(f"{evaluation.model} on the test images:", soft_wrap=True)
    for name, value in evaluation.metrics.items():
        out.print(f"  {name:28} {value:.4f}")
    out.print(openings_text(evaluation.openings), soft_wrap=True)


def show_corruptions(out: Console, scores: CorruptionScores) -> None:
    """The accuracies of a model on corrupted images, the worst first, then their mean."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("accuracy % at strength", *map(str, STRENGTHS), ""):
        table.add_column(head, justify="right" if head.isdigit() else "left", no_wrap=True)
    accuracies = by_corruption(scores.metrics)
    for name, values in accuracies.items():
        table.add_row(name.replace("_", " "), *(f"{100 * value:.2f}" for value in values), CORRUPTIONS[name].words)
    images = f"{scores.images:,} validation images"
    out.print(f"{scores.model} on {images}, each changed in sixty ways, the worst first:", soft_wrap=True)
    out.print(table)
    for name in (MEAN, COVERAGE, SELECTIVE_ERROR):
        if name in scores.metrics:
            out.print(f"  {name:30} {scores.metrics[name]:.4f}")
    out.print("The test images were not opened.")
