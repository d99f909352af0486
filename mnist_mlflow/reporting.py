"""The leaderboard and the model card: tables and text from what the store holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import CHAMPION_URI

if TYPE_CHECKING:
    import pandas as pd

PERCENT = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "ece")
COLUMNS = {
    **{f"val_{name}": f"val {name.removesuffix('_macro')} %" for name in PERCENT},
    "val_log_loss": "val log loss",
    "test_accuracy": "test accuracy %",
    "test_f1_macro": "test f1 %",
    "fit_seconds": "fit s",
    "predict_ms_per_image": "ms/image",
    "model_mb": "MB",
}


def leaderboard(candidates: list[Candidate]) -> pd.DataFrame:
    """A row for each candidate, the best first: shares as percentages, with the run that each comes from."""
    import pandas as pd

    rows = [
        {
            "rank": rank,
            "algorithm": candidate.algorithm,
            **{title: _figure(candidate, metric) for metric, title in COLUMNS.items()},
            "run": candidate.run_id,
        }
        for rank, candidate in enumerate(candidates, 1)
    ]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _figure(candidate: Candidate, metric: str) -> str | None:
    value = candidate.metrics.get(metric)
    if value is None:
        return None
    share = metric.split("_", 1)[1] in PERCENT
    return f"{100 * value:.2f}" if share else f"{value:.3g}"


def write_leaderboard(table: pd.DataFrame, folder: Path) -> None:
    """Write the leaderboard as `leaderboard.csv`, `.md` and `.html`."""
    table.to_csv(folder / "leaderboard.csv", index=False)
    (folder / "leaderboard.md").write_text(table.to_markdown(index=False, disable_numparse=True) + "\n")
    table.to_html(folder / "leaderboard.html", index=False, border=0)


def model_card(champion: Candidate, dataset: str, compared: int) -> str:
    """What the registry says of a champion, in Markdown."""
    figures = "\n".join(
        f"| {title} | {_figure(champion, metric)} |" for metric, title in COLUMNS.items() if metric in champion.metrics
    )
    params = "\n".join(f"| `{key}` | {value} |" for key, value in sorted(champion.params.items()))
    return f"""**{champion.algorithm}** reads single handwritten digits (28 x 28 pixels, bright ink on dark ground).
It had the best validation accuracy of {compared} comparable run(s) on `{dataset}`.

| figure | value |
| --- | --- |
{figures}

| parameter | value |
| --- | --- |
{params}

Trained in run `{champion.run_id}`. Load it with

    mlflow.pyfunc.load_model("{CHAMPION_URI}").predict(images)
"""
