"""The reference of metrics, tags and artifacts, from names.yml."""

from __future__ import annotations

from tests.documents.commands import code, table
from tests.documents.names import NAMES

ABOUT = {
    "metrics": "Shares are of 1, log loss is in nats. A logged model has the metrics of its run that tell its worth.",
    "tags": "MLflow's own tags (`mlflow.…`) mean what they mean everywhere. Those of this project:",
    "artifacts": "The files of a run, below *Artifacts* in the MLflow UI.",
}


def reference_page(kind: str) -> str:
    """The page of `metrics`, `tags` or `artifacts`."""
    parts = [f"# {kind.capitalize()}", ABOUT[kind]]
    for heading, group in NAMES[kind].items():
        rows = [[", ".join(map(code, names.split(", "))), meaning] for names, meaning in group.items()]
        parts += [f"## {heading}", table([kind.removesuffix("s"), "what it is"], rows)]
    return "\n\n".join(parts) + "\n"
