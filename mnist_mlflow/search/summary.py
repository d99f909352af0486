"""Summary of a study: the best trial, its improvement over the defaults, a table, and a note in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_mlflow.evaluation.pareto import pareto_front
from mnist_mlflow.evaluation.significance import paired_difference
from mnist_mlflow.search.objectives import costs_of, goals, knee
from mnist_mlflow.search.records import TrialRecord, counted_trials
from mnist_mlflow.search.spec import SearchSpec

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[float, float, float]  # a mean, and the ends of its 95 % interval

STATES = {"complete": "complete", "pruned": "pruned", "fail": "failed"}
FIGURES = {"tuning_log_loss": "log loss", "tuning_accuracy": "accuracy", "tuning_ms_per_image": "ms/image"}

CAUTION = """The tuning slice chose the best of many trials, and so flatters it. The model of this run has learned
again with the best hyperparameters: see its `val_` metrics for what it is worth."""


@dataclass(frozen=True)
class Summary:
    """The trials of a study, as they are presented."""

    spec: SearchSpec
    records: Sequence[TrialRecord]

    @property
    def counted_trials(self) -> list[TrialRecord]:
        """All trials that ended and are not repeated."""
        return counted_trials(self.records)

    @property
    def default(self) -> TrialRecord | None:
        """The complete trial of the default hyperparameters."""
        complete = (record for record in self.counted_trials if record.is_complete)
        return next(filter(self._has_defaults, complete), None)

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial, the earliest of equals; with two goals the knee of the Pareto front."""
        front = self.front
        return front[knee(self._costs(front))] if front else None

    @property
    def front(self) -> list[TrialRecord]:
        """The complete trials that no other dominates."""
        complete = [record for record in self.records if record.is_complete]
        return [complete[row] for row in pareto_front(self._costs(complete))] if complete else []

    def _costs(self, records: Sequence[TrialRecord]) -> list[list[float]]:
        return [costs_of(self.spec.objective, record.values) for record in records]

    @property
    def winner(self) -> TrialRecord | None:
        """The best trial; none before the defaults have ended, since they may be better."""
        return self.best if any(self._has_defaults(record) for record in self.counted_trials) else None

    def _has_defaults(self, record: TrialRecord) -> bool:
        return bool(self.spec.space.complete(record.params) == self.spec.space.defaults)

    def params_of(self, record: TrialRecord) -> dict[str, Any]:
        """All hyperparameters of a trial, the defaults where it ended before it had chosen."""
        params: dict[str, Any] = vars(self.spec.space.complete(record.params))
        return params

    def table(self, records: Sequence[TrialRecord]) -> pd.DataFrame:
        """A row for each trial that has ended: state, values, metrics, hyperparameters and the reason of a failure."""
        import pandas as pd

        names = goals(self.spec.objective)
        rows = [
            {
                "trial": record.number,
                "state": record.state,
                **dict.fromkeys(names) | dict(zip(names, record.values, strict=False)),
                **record.metrics,
                "seconds": record.seconds,
                **self.params_of(record),
                "failure": record.failure,
            }
            for record in records
            if record.has_ended
        ]
        return pd.DataFrame(rows)

    @property
    def sentence(self) -> str:
        """The outcome in a sentence: the best trial against the defaults."""
        best, default = self.winner, self.default
        if not best or not default:
            return "Nothing has been compared with the defaults, which are kept."
        if best.number == default.number:
            return f"Nothing was better than the defaults (trial {default.number})."
        pairs = zip(goals(self.spec.objective), best.values, default.values, strict=True)
        figures = ", ".join(f"{goal} {new:.4g} against {old:.4g}" for goal, new, old in pairs)
        return (
            f"Trial {best.number} is the best, on the tuning slice: {figures} of the defaults (trial {default.number})."
        )

    def note(self, command: str) -> str:
        """The numbers of trials, the improvement over the defaults, and the command to continue, in Markdown."""
        winner, default, states = self.winner, self.default, [record.state for record in self.counted_trials]
        numbers = {word: states.count(state) for state, word in STATES.items()}
        counts = [f"{n} {'trial' if n == 1 else 'trials'} {word}" for word, n in numbers.items() if n]
        parts = [f"### Search\n\nStudy `{self.spec.study}`: {', '.join(counts) or 'no trial has ended'}."]
        if winner and default:
            parts += [self._improvement(default, winner), CAUTION]
        elif not winner:
            parts.append(self.sentence)
        parts.append(f"To try more: `{command}` with a larger number of `trials`.")
        return "\n\n".join(parts)

    def _improvement(self, default: TrialRecord, best: TrialRecord) -> str:
        if best.number == default.number:
            return self.sentence
        log_loss, accuracy = differences(default, best)
        intervals = {
            "tuning_log_loss": _interval(log_loss, 1, 4),
            "tuning_accuracy": _interval(accuracy, 100, 2) + " points",
        }
        before, after = default.metrics, best.metrics
        lines = [
            f"| {title} | {before[metric]:.4f} | {after[metric]:.4f} | {intervals.get(metric, '')} |"
            for metric, title in FIGURES.items()
            if metric in after and metric in before
        ]
        old, new = self.params_of(default), self.params_of(best)
        lines += [f"| `{key}` | {old[key]} | {new[key]} | |" for key in new if new[key] != old[key]]
        head = f"| on the tuning slice | defaults (trial {default.number}) | best (trial {best.number}) | difference |"
        return "\n".join([head, "| --- | --- | --- | --- |", *lines])


def differences(default: TrialRecord, best: TrialRecord) -> tuple[Interval, Interval]:
    """The log loss and the accuracy of the best trial minus those of the defaults, image by image."""
    before, after = default.losses, best.losses
    return paired_difference(abs(before), abs(after)), paired_difference(~np.signbit(before), ~np.signbit(after))


def _interval(interval: Interval, factor: float, digits: int) -> str:
    mean, low, high = (f"{factor * value:+.{digits}f}" for value in interval)
    return f"{mean} (95 %: {low} to {high})"
