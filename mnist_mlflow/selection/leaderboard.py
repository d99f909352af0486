"""The leaderboard: a row for each model that took part, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_mlflow.selection.pool import Standing
from mnist_mlflow.selection.rule import Choice
from mnist_mlflow.tracking.candidates import Candidate

if TYPE_CHECKING:
    import pandas as pd

PERCENT = {"val_f1_macro": "val f1 %", "val_ece": "val ece %", "test_accuracy": "test %"}
FIGURES = {"val_log_loss": "val log loss", "fit_seconds": "fit s", "model_mb": "MB"}


def leaderboard(choice: Choice, tested: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Shares as percentages, with the run that each row comes from.

    `vs best, points` is the paired difference, `p` its p-value by McNemar's test, corrected for all tests by Holm's
    procedure; test figures, and milliseconds an image as measured side by side, are there for finalists alone.
    """
    import pandas as pd

    standings = {standing.candidate.run_id: standing for standing in choice.standings}
    measured = {finalist.candidate.run_id: finalist.ms_per_image for finalist in choice.finalists}
    rows = [
        {
            "rank": str(rank),
            "algorithm": candidate.algorithm,
            **_accuracy(candidate, standings.get(candidate.run_id)),
            **_figures({**candidate.metrics, **tested.get(candidate.run_id, {})}, candidate.run_id in tested),
            "ms/image": f"{measured[candidate.run_id]:.3g}" if candidate.run_id in measured else "",
            "run": candidate.run_id,
        }
        for rank, candidate in enumerate(choice.field.candidates, 1)
    ]
    return pd.DataFrame(rows)


def _accuracy(candidate: Candidate, standing: Standing | None) -> dict[str, str]:
    accuracy = f"{100 * candidate.metrics['val_accuracy']:.2f}"
    if standing is None:  # certainly worse: it was not compared image by image
        return {"val acc. %": accuracy, "95 % interval": "", "vs best, points": "", "p": "< 0.0001"}
    low, high = (100 * bound for bound in standing.interval)
    return {
        "val acc. %": accuracy,
        "95 % interval": f"{low:.2f}-{high:.2f}",
        "vs best, points": f"{100 * standing.difference[0]:+.2f}" if standing.difference[0] else "",
        "p": p_text(standing.p_value),
    }


def p_text(p_value: float) -> str:
    """A p-value in as many digits as tell something."""
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}"


def _figures(metrics: Mapping[str, float], is_tested: bool) -> dict[str, str]:
    shown = {name: value for name, value in metrics.items() if is_tested or not name.startswith("test_")}
    shares = {title: f"{100 * shown[name]:.2f}" if name in shown else "" for name, title in PERCENT.items()}
    return shares | {title: f"{shown[name]:.3g}" if name in shown else "" for name, title in FIGURES.items()}


def write_leaderboard(table: pd.DataFrame, folder: Path) -> None:
    """Write the leaderboard as `leaderboard.csv`, `.md` and `.html`."""
    table.to_csv(folder / "leaderboard.csv", index=False)
    (folder / "leaderboard.md").write_text(table.to_markdown(index=False, disable_numparse=True) + "\n")
    table.to_html(folder / "leaderboard.html", index=False, border=0)
