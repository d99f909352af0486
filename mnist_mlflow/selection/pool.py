"""The pool: the candidates that take part in a selection, and those that are excluded, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.significance import ALPHA, largest_p
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.tracking.candidates import Candidate

MOST_COMPARED = 100  # models, image by image
MOST_SHOWN = 20  # of those that are clearly worse
CLEARLY = ALPHA / 10_000  # significant even if so many were compared


class CandidatePool:
    """Entries of candidates that come the best first, read until all that follow are clearly worse than the best.

    Clearly: even if they shared no mistake with it, which is when McNemar's p-value is largest. So few of the
    thousands of models in a store are read. `floor` is the accuracy below which no candidate was considered.
    """

    def __init__(
        self, candidates: Iterable[Candidate], evidence: Evidence, rule: Rule, excluded: Mapping[str, str]
    ) -> None:
        self.evidence, self.rule = evidence, rule
        self._reasons = dict(excluded)  # by run
        self._seen: list[Candidate] = []
        self._unseen = iter(candidates)
        self._gather()

    @property
    def entries(self) -> list[Entry]:
        """The entries to compare, the best first; then those that are clearly worse; then those excluded."""
        return [*self.contenders, *self.clearly_worse, *self.excluded]

    def exclude(self, entries: Sequence[Entry]) -> None:
        """Exclude entries for the reasons that they carry, and gather again: without the best, others may compare."""
        self._reasons |= {entry.candidate.run_id: entry.excluded for entry in entries}
        self._gather()

    def _candidates(self) -> Iterator[Candidate]:
        yield from self._seen
        for candidate in self._unseen:
            self._seen.append(candidate)
            yield candidate

    def _gather(self) -> None:
        self.contenders: list[Entry] = []
        self.clearly_worse: list[Entry] = []
        self.excluded: list[Entry] = []
        self.floor = 0.0
        for candidate in self._candidates():
            accuracy = candidate.metrics["val_accuracy"]
            if reason := self._reasons.get(candidate.run_id) or over_budget(candidate, self.rule):
                self.excluded.append(Entry(candidate, excluded=reason))
            elif len(self.contenders) == MOST_COMPARED:
                reason = f"it comes after the {MOST_COMPARED} that were compared"
                self.excluded.append(Entry(candidate, excluded=reason))
                self.floor = accuracy
                break
            elif self.contenders and is_clearly_worse(candidate, self.contenders[0]):
                self.clearly_worse.append(Entry(candidate))
                self.floor = accuracy
                if len(self.clearly_worse) == MOST_SHOWN:
                    break
            else:
                self._read(candidate)
        self.contenders.sort(key=lambda entry: (entry.mistakes, entry.candidate.metrics["val_log_loss"]))

    def _read(self, candidate: Candidate) -> None:
        try:
            self.contenders.append(Entry(candidate, self.evidence.stored(candidate)))
        except UserFacingError as error:
            self._reasons[candidate.run_id] = str(error)  # it is not tried again
            self.excluded.append(Entry(candidate, excluded=str(error)))


def is_clearly_worse(candidate: Candidate, best: Entry) -> bool:
    """True if a candidate is significantly worse than an entry, whichever images it reads wrong."""
    mistakes = round((1 - candidate.metrics["val_accuracy"]) * len(best.right))
    return mistakes > best.mistakes and largest_p(mistakes, best.mistakes) < CLEARLY


def over_budget(candidate: Candidate, rule: Rule) -> str:
    """The budget that a candidate exceeds by what its run has logged; empty if it is within all."""
    for metric, option, most in (("model_mb", "max_mb", rule.max_mb), ("val_ece", "max_ece", rule.max_ece)):
        value = candidate.metrics.get(metric)
        if most and (value is None or not value <= most):
            return f"its {metric} {'is unknown' if value is None else f'{value:.3g}'}, over {option}={most:g}"
    return ""
