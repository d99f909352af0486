"""The leaderboard: a row for each model that took part, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_mlflow.reports.figures import p_text
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.rule import Choice

if TYPE_CHECKING:
    import pandas as pd

PERCENT = {
    "val_f1_macro": "val f1 %",
    "val_ece": "val ece %",
    "val_coverage": "sure %",
    "val_selective_error": "wrong of sure %",
}
TEST = "test %"
NO_SPREAD = {"±": "", "seeds": "1"}
FIGURES = {"val_log_loss": "val log loss", "fit_seconds": "fit s", "model_mb": "MB"}


def leaderboard(choice: Choice) -> pd.DataFrame:
    """Shares as percentages, with the run that each row comes from; without test figures.

    `vs best, points` is the paired difference, `p` its p-value by the test of `paired_test`, corrected for all tests by
    Holm's procedure. Only finalists have ms/image, as measured side by side.

    A configuration of several seeds is a row: its accuracy is their mean, `±` their standard deviation in points. The
    other figures are those of the run, which is the one to promote. Without such a row there are no such columns.
    """
    import pandas as pd

    has_seeds = any(entry.others for entry in choice.taking_part)
    rows = [
        {
            "rank": str(rank),
            "algorithm": entry.candidate.algorithm,
            **_accuracy(entry, has_seeds),
            **_figures(entry.candidate.metrics),
            "ms/image": f"{entry.ms_per_image:.3g}" if entry.is_measured else "",
            "run": entry.candidate.run_id,
        }
        for rank, entry in enumerate(choice.taking_part, 1)
    ]
    return pd.DataFrame(rows)


def with_test_figures(table: pd.DataFrame, test_metrics: Mapping[Entry, Mapping[str, float]]) -> pd.DataFrame:
    """The leaderboard with the test accuracy of the finalists that have been scored."""
    accuracies = {entry.candidate.run_id: metrics.get("test_accuracy") for entry, metrics in test_metrics.items()}
    shares = map(accuracies.get, table["run"])
    return table.assign(**{TEST: ["" if share is None else f"{100 * share:.2f}" for share in shares]})


def _accuracy(entry: Entry, has_seeds: bool) -> dict[str, str]:
    accuracy = entry.accuracy if entry.others else entry.candidate.metrics["val_accuracy"]
    cells = {"val acc. %": f"{100 * accuracy:.2f}"}
    if has_seeds:
        cells |= {"±": f"{100 * entry.spread:.2f}", "seeds": f"{len(entry.members)}"} if entry.others else NO_SPREAD
    comparison = entry.comparison
    if comparison is None:  # clearly worse: it was not compared image by image
        return cells | {"95 % interval": "", "vs best, points": "", "p": "< 0.0001"}
    low, high = (100 * bound for bound in comparison.interval)
    return cells | {
        "95 % interval": f"{low:.2f}-{high:.2f}",
        "vs best, points": f"{100 * comparison.difference[0]:+.2f}" if comparison.difference[0] else "",
        "p": p_text(comparison.p_value),
    }


def _figures(metrics: Mapping[str, float]) -> dict[str, str]:
    """The cells of a row; test metrics that a run has from an earlier selection are not shown."""
    shares = {title: f"{100 * metrics[name]:.2f}" if name in metrics else "" for name, title in PERCENT.items()}
    figures = {title: f"{metrics[name]:.3g}" if name in metrics else "" for name, title in FIGURES.items()}
    return {**shares, TEST: "", **figures}


def write_leaderboard(table: pd.DataFrame, folder: Path) -> None:
    """Write the leaderboard as `leaderboard.csv`, `.md` and `.html`."""
    table.to_csv(folder / "leaderboard.csv", index=False)
    (folder / "leaderboard.md").write_text(
        table.to_markdown(index=False, disable_numparse=True) + "\n", encoding="utf-8"
    )
    table.to_html(folder / "leaderboard.html", index=False, border=0)
