"""A decision, as it is written down before anything is changed and before the test images are opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mnist_mlflow.evaluation.pareto import Point
from mnist_mlflow.evaluation.significance import accuracy_difference, holm, mcnemar
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.gate import Verdict
from mnist_mlflow.selection.leaderboard import p_text
from mnist_mlflow.selection.pool import Contender, Standing
from mnist_mlflow.selection.rule import Choice, Finalist
from mnist_mlflow.tracking.candidates import NotComparable, Query
from mnist_mlflow.tracking.overlooked import Overlooked
from mnist_mlflow.tracking.registry import CHAMPION

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Decision:
    """Who was chosen among whom, what becomes of it, and what was not considered; the time in ISO format, UTC."""

    choice: Choice
    verdict: Verdict
    query: Query
    decided_at: str
    other_images: list[NotComparable] = field(default_factory=list)
    overlooked: list[Overlooked] = field(default_factory=list)

    @property
    def sentences(self) -> dict[str, str]:
        """The decision in words, by what each is about."""
        winner, verdict, rule = self.choice.winner, self.verdict, self.choice.rule
        told = {
            "rule": rule_text(rule),
            "among": _among(self.choice),
            "chosen": f"{winner.candidate.algorithm}, run {winner.candidate.run_id}",
            "against the best": _against_the_best(winner.standing),
            "becomes": verdict.alias if verdict.alias == CHAMPION else f"{verdict.alias}: {verdict.lacks}",
            "champion before": f"version {verdict.champion_before}" if verdict.champion_before else "none",
            "decided": self.decided_at,
        }
        return told | ({"note": verdict.note} if verdict.note else {})

    def as_json(self) -> dict[str, Any]:
        """All of it, as plain data."""
        choice, winner = self.choice, self.choice.winner.candidate
        ms = {finalist.candidate.run_id: finalist.ms_per_image for finalist in choice.finalists}
        return {
            "decided_at": self.decided_at,
            "sentences": self.sentences,
            "winner": {"run_id": winner.run_id, "model_id": winner.model_id, "algorithm": winner.algorithm},
            **dataclasses.asdict(self.verdict),
            "rule": {"text": rule_text(choice.rule), **dataclasses.asdict(choice.rule)},
            "query": dataclasses.asdict(self.query),
            "compared": [_as_json(standing, ms) for standing in choice.standings],
            "certainly_worse": [candidate.run_id for candidate in choice.field.behind],
            "left_out": {run_id: reason for run_id, (_, reason) in choice.field.left_out.items()},
            "not_comparable": [dataclasses.asdict(other) for other in self.other_images],
            "newer_but_not_considered": [dataclasses.asdict(run) for run in self.overlooked],
        }


def _among(choice: Choice) -> str:
    level, measured = len(choice.level), len(choice.finalists)
    told = f"{level} of {len(choice.field.candidates)} models that took part are as good as the best"
    return f"{told} and within the budgets" if level == measured else f"{told}; {measured} of them were measured"


def rule_text(rule: Rule) -> str:
    """The rule in words."""
    first = {"accuracy": "most accurate, then the fastest", "latency": "fastest", "size": "smallest"}[rule.prefer]
    budgets = {
        "ms an image": rule.max_ms_per_image,
        "MB": rule.max_mb,
        "calibration error": rule.max_ece,
    }
    within = ", ".join(f"{most:g} {unit}" for unit, most in budgets.items() if most)
    among = "of the models that are not significantly worse than the best"
    return f"{among}{f', within {within}' if within else ''}: the {first}"


def _against_the_best(standing: Standing) -> str:
    mean, low, high = (100 * value for value in standing.difference)
    if not any(standing.difference):
        return "it is the best, or exactly as good"
    return f"{mean:+.2f} points ({low:+.2f} to {high:+.2f}), p = {p_text(standing.p_value)}"


def _as_json(standing: Standing, ms: dict[str, float]) -> dict[str, Any]:
    return {
        "run_id": standing.candidate.run_id,
        "algorithm": standing.candidate.algorithm,
        "val_accuracy": standing.accuracy,
        "interval": standing.interval,
        "difference": standing.difference,
        "p_value": standing.p_value,
        "significantly_worse": standing.is_worse,
        "ms_per_image": ms.get(standing.candidate.run_id),
    }


def pairwise(contenders: Sequence[Contender]) -> pd.DataFrame:
    """Each pair of contenders: how many images one alone reads right, McNemar's p-value, Holm's, and the difference."""
    import pandas as pd

    pairs = list(combinations(contenders, 2))
    p_values = [mcnemar(first.right, second.right) for first, second in pairs]
    rows = []
    for (first, second), p_value, corrected in zip(pairs, p_values, holm(p_values), strict=True):
        mean, low, high = accuracy_difference(second.right, first.right)
        rows.append(
            {
                "first": _name(first),
                "second": _name(second),
                "only first right": int((first.right & ~second.right).sum()),
                "only second right": int((second.right & ~first.right).sum()),
                "difference": mean,
                "low": low,
                "high": high,
                "p": p_value,
                "p corrected": corrected,
            }
        )
    return pd.DataFrame(rows)


def _name(contender: Contender) -> str:
    return f"{contender.candidate.algorithm} {contender.candidate.run_id[:8]}"


def points(choice: Choice) -> list[Point]:
    """The finalists as points of accuracy, latency and size."""

    def point(finalist: Finalist) -> Point:
        candidate = finalist.candidate
        size = candidate.metrics.get("model_mb", 0.0)
        name = f"{candidate.algorithm} {candidate.run_id[:4]}"
        return Point(name, finalist.standing.accuracy, finalist.ms_per_image, size, finalist == choice.winner)

    return [point(finalist) for finalist in choice.finalists]
