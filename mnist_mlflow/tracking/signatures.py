"""Signatures: who decided or applied something, when, and in which run, as tags of a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mnist_mlflow.tracking.accounts import account
from mnist_mlflow.tracking.runs import Run

REASON = "reason"
DECISION, APPLICATION = "decided", "applied"  # how their tags begin


@dataclass(frozen=True)
class Signature:
    """An account, a time in ISO format, UTC, and a run."""

    by: str
    at: str
    run_id: str

    def as_tags(self, what: str) -> dict[str, str]:
        """The tags that say who did what."""
        return {f"{what}_by": self.by, f"{what}_at": self.at, f"{what}_run_id": self.run_id}


def sign(run: Run) -> Signature:
    """The signature of this process in its run, now."""
    return Signature(account(), datetime.now(UTC).isoformat(timespec="milliseconds"), run.id)


def signature_rows(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """The signatures and the reason among the tags of a version, in words, by topic."""
    rows = [
        (f"{what} by", f"{tags[f'{what}_by']}, {tags.get(f'{what}_at', 'at an unknown time')}, run {run_id}")
        for what in (DECISION, APPLICATION)
        if (run_id := tags.get(f"{what}_run_id")) and f"{what}_by" in tags
    ]
    return rows + ([(REASON, tags[REASON])] if tags.get(REASON) else [])
