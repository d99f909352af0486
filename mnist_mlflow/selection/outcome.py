"""The outcome of a decision: all that carrying it out takes, at once or later and by another account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.tracking.signatures import DECISION, REASON, Signature

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Ruling:
    """The alias that the winner gets, the champion before (a version), the decision in words, who made it, and why.

    `command` asks for the decision again.
    """

    alias: str
    champion_before: str | None
    sentences: Mapping[str, str]
    decided: Signature
    reason: str
    command: str

    @property
    def signed(self) -> dict[str, str]:
        """The facts about who decided, and why."""
        return self.decided.facts(DECISION) | {REASON: self.reason}


@dataclass(frozen=True)
class Outcome:
    """The ruling, the winner, the finalists to score, and the leaderboard, which has no test figures yet."""

    ruling: Ruling
    winner: Entry
    finalists: Sequence[Entry]
    table: pd.DataFrame
