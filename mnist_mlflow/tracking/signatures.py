"""Signatures: who decided or applied something, when, and in which run; a version has them in one tag.

The MLflow UI shows all tags of all versions in its table: one for each fact would bury it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mnist_mlflow.tracking.accounts import account
from mnist_mlflow.tracking.runs import Run

SIGNATURES = "signatures"  # the tag of a version with all of them and the reason, in JSON
REASON = "reason"
DECISION, APPLICATION = "decided", "applied"  # how the names of their facts begin


@dataclass(frozen=True)
class Signature:
    """An account, a time in ISO format, UTC, and a run."""

    by: str
    at: str
    run_id: str

    def facts(self, what: str) -> dict[str, str]:
        """The facts that say who did what."""
        return {f"{what}_by": self.by, f"{what}_at": self.at, f"{what}_run_id": self.run_id}


def sign(run: Run) -> Signature:
    """The signature of this process in its run, now."""
    return Signature(account(), datetime.now(UTC).isoformat(timespec="milliseconds"), run.id)


def read_signatures(tags: Mapping[str, str]) -> dict[str, str]:
    """The facts about who signed a version, by its tags; none where somebody has broken the tag."""
    with contextlib.suppress(ValueError, TypeError):
        return {str(name): str(fact) for name, fact in dict(json.loads(tags.get(SIGNATURES, "{}"))).items()}
    return {}


def signature_rows(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """The signatures and the reason in words, by topic."""
    rows = [
        (f"{what} by", f"{facts[f'{what}_by']}, {facts.get(f'{what}_at', 'at an unknown time')}, run {run_id}")
        for what in (DECISION, APPLICATION)
        if (run_id := facts.get(f"{what}_run_id")) and f"{what}_by" in facts
    ]
    return rows + ([(REASON, facts[REASON])] if facts.get(REASON) else [])
