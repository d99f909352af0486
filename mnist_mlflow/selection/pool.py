"""The pool: the candidates that take part in a selection, and those that are excluded, each with the reason."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.significance import ALPHA, sign_test
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Correct, Entry
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.members import different_seeds, median_member
from mnist_mlflow.tracking.candidates import Candidate

MOST_COMPARED = 100  # models, image by image
MOST_SHOWN = 20  # of those that are clearly worse
CLEARLY = ALPHA / 10_000  # significant even if so many were compared
BUDGETS = (
    ("model_mb", "over", "max_mb", operator.le),
    ("val_ece", "over", "max_ece", operator.le),
    ("val_coverage", "under", "min_coverage", operator.ge),
)


class CandidatePool:
    """Entries of candidates that come the best first, read until all that follow are clearly worse than the best.

    Clearly: even if they shared no mistake with it, which is when McNemar's p-value is largest. So few of the
    thousands of models in a store are read. `floor` is the accuracy below which no candidate was considered.

    The first candidate of a configuration brings the others, which `find_members` finds: lucky seeds do not stand
    alone. They are one entry, and the one to promote has the median of their log losses. Where even the first is
    clearly worse, it stands for all. `taken_back` has the runs whose models a rollback took back, each with the reason.
    No other seed of their configuration takes part.
    """

    def __init__(
        self,
        candidates: Iterable[Candidate],
        evidence: Evidence,
        rule: Rule,
        taken_back: Mapping[str, str],
        find_members: Callable[[Candidate], Sequence[Candidate]] = lambda candidate: [candidate],
    ) -> None:
        self.evidence, self.rule, self.find_members = evidence, rule, find_members
        self._taken_back, self._reasons = taken_back, dict(taken_back)  # by run
        self._seen: list[Candidate] = []
        self._unseen = evidence.read_ahead(candidates)
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
        self.skipped: list[str] = []  # runs, for another of their configuration has been gathered
        self.floor = 0.0
        gathered: set[str] = set()  # configurations
        for candidate in self._candidates():
            if candidate.configuration in gathered:
                self.skipped.append(candidate.run_id)
                continue
            accuracy = candidate.metrics["val_accuracy"]
            if reason := self._reasons.get(candidate.run_id) or over_budget(candidate, self.rule):
                self.excluded.append(Entry(candidate, excluded=reason))
            elif len(self.contenders) == MOST_COMPARED:
                reason = f"it comes after the {MOST_COMPARED} that were compared"
                self.excluded.append(Entry(candidate, excluded=reason))
                self.floor = accuracy
                break
            elif self.contenders and _is_clearly_worse(candidate, self.contenders[0]):
                gathered.add(candidate.configuration)
                self.clearly_worse.append(Entry(candidate))
                self.floor = accuracy
                if len(self.clearly_worse) == MOST_SHOWN:
                    break
            else:
                gathered.add(candidate.configuration)
                self._read(candidate)
            gathered.discard("")  # of a run that has none
        self.contenders.sort(key=lambda entry: (entry.mistakes, entry.candidate.metrics["val_log_loss"]))

    def _read(self, candidate: Candidate) -> None:
        """Add the entry of a candidate's configuration; it is judged by the member that would be promoted."""
        members = self.find_members(candidate) if candidate.configuration else [candidate]
        if reason := next((self._taken_back[one.run_id] for one in members if one.run_id in self._taken_back), ""):
            self.excluded.append(Entry(candidate, excluded=f"with another seed {reason}"))
            return
        read = self._readable(members)
        if not read:
            return
        promoted = median_member([member for member, _ in read])
        read.sort(key=lambda pair: pair[0] is not promoted)  # which comes first
        members, rows = zip(*read, strict=True)
        entry = Entry(promoted, np.concatenate(rows), others=members[1:])
        self.excluded = [other for other in self.excluded if other.candidate.run_id not in entry.run_ids]
        if reason := over_budget(promoted, self.rule):
            self.excluded.append(dataclasses.replace(entry, excluded=reason))
        else:
            self.contenders.append(entry)

    def _readable(self, members: Iterable[Candidate]) -> list[tuple[Candidate, Correct]]:
        """The members, one of each seed, with their correctness; unreadable ones are excluded, and not tried again."""
        wanted = different_seeds(member for member in members if member.run_id not in self._reasons)
        read: list[tuple[Candidate, Correct]] = []
        for member in wanted:
            try:
                read.append((member, self.evidence.stored(member)))
            except UserFacingError as error:
                self._reasons[member.run_id] = str(error)
                self.excluded.append(Entry(member, excluded=str(error)))
        return read


def _is_clearly_worse(candidate: Candidate, best: Entry) -> bool:
    return is_clearly_worse(candidate, best.correct.shape[1], best.most_mistakes)


def is_clearly_worse(candidate: Candidate, images: int, most_mistakes: int) -> bool:
    """True if a candidate is significantly worse than all models of at most so many mistakes, whichever they are."""
    mistakes = round((1 - candidate.metrics["val_accuracy"]) * images)
    return mistakes > most_mistakes and sign_test(mistakes, most_mistakes) < CLEARLY


def over_budget(candidate: Candidate, rule: Rule) -> str:
    """The budget that a candidate does not keep by what its run has logged; empty if it keeps all."""
    for metric, way, option, keeps in BUDGETS:
        value, budget = candidate.metrics.get(metric), getattr(rule, option)
        if budget and (value is None or not keeps(value, budget)):
            return f"its {metric} {'is unknown' if value is None else f'{value:.3g}'}, {way} {option}={budget:g}"
    return ""
