"""The rule chooses the cheapest of the models that tie with the best; the gate decides whether it becomes champion."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_mlflow.errors import MissingLibraryError, UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Entry, compare_with_best
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.selection.pool import CandidatePool, over_budget
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import Registry

MOST_FINALISTS = 12
MOST_FAILURES = 60  # of models that are measured
SHOWN = 5  # reasons
NOISE = 0.1  # of a latency that was measured twice


@dataclass(frozen=True)
class Choice:
    """The winner by a rule, among entries in the order of a pool; `floor` is the pool's."""

    rule: Rule
    winner: Entry
    entries: Sequence[Entry]
    floor: float = 0.0

    @property
    def taking_part(self) -> list[Entry]:
        """The entries that are not excluded, the best first."""
        return [entry for entry in self.entries if not entry.excluded]

    @property
    def contenders(self) -> list[Entry]:
        """The entries that were compared with the best, image by image."""
        return [entry for entry in self.entries if entry.comparison]

    @property
    def finalists(self) -> list[Entry]:
        """The entries that were measured, the most accurate first."""
        return [entry for entry in self.entries if entry.is_measured]

    @property
    def excluded(self) -> list[Entry]:
        """The entries that cannot become champion."""
        return [entry for entry in self.entries if entry.excluded]


@dataclass(frozen=True)
class Verdict:
    """The alias that the winner gets, what it lacks to be champion, and a note."""

    alias: str
    lacks: str = ""
    note: str = ""
    champion_before: str | None = None
    is_confirmed: bool = False  # the winner is the champion already


def apply_rule(pool: CandidatePool, incumbent: str = "") -> Choice:
    """The choice among a pool; the incumbent, a run, wins a tie.

    A model that does not load or is too slow is excluded; then the best of the others are measured. Raises
    UserFacingError when none is left.
    """
    rule = pool.rule
    failures: list[Entry] = []
    while pool.contenders and len(failures) < MOST_FAILURES:
        contenders = compare_with_best(pool.contenders)
        promising = _most_promising(statistically_tied(contenders), rule)
        finalists = _measure(promising, rule, pool.evidence)
        if failed := [entry for entry in finalists if entry.excluded]:
            failures += failed
            pool.exclude(failed)
            continue
        measured = dict(zip(promising, finalists, strict=True))
        entries = [*(measured.get(entry, entry) for entry in contenders), *pool.clearly_worse, *pool.excluded]
        return Choice(rule, cheapest(finalists, rule, incumbent), entries, pool.floor)
    raise UserFacingError(_nobody(pool, failures))


def statistically_tied(contenders: Sequence[Entry]) -> list[Entry]:
    """The entries that are not significantly worse than the best."""
    return [entry for entry in contenders if entry.comparison and not entry.comparison.is_worse]


def _most_promising(tied: list[Entry], rule: Rule) -> list[Entry]:
    """The entries to measure: the best by the preferred metric, as far as it was logged; the most accurate first."""
    metric = {"latency": "predict_ms_per_image", "size": "model_mb"}.get(rule.prefer)
    if metric and len(tied) > MOST_FINALISTS:
        cheap = sorted(tied, key=lambda entry: entry.candidate.metrics.get(metric, math.inf))[:MOST_FINALISTS]
        return [entry for entry in tied if entry in cheap]
    return tied[:MOST_FINALISTS]


def _measure(entries: Sequence[Entry], rule: Rule, evidence: Evidence) -> list[Entry]:
    """The entries with their latency; those over its budget are excluded."""

    def judged(entry: Entry) -> Entry:
        if entry.excluded or not 0 < rule.max_ms_per_image < entry.ms_per_image:
            return entry
        reason = f"it takes {entry.ms_per_image:.3g} ms/image here, over max_ms_per_image={rule.max_ms_per_image:g}"
        return dataclasses.replace(entry, ms_per_image=math.nan, excluded=reason)

    return [judged(entry) for entry in evidence.with_latency(entries)]


def cheapest(finalists: Sequence[Entry], rule: Rule, incumbent: str = "") -> Entry:
    """The finalist that the rule prefers. To count as faster than the incumbent takes a tenth less time."""

    def costs(entry: Entry) -> tuple[float, ...]:
        ms = entry.ms_per_image * (1 - NOISE * (incumbent in entry.run_ids))
        size = entry.candidate.metrics.get("model_mb", math.inf)
        return {
            "accuracy": (entry.mistakes, ms),
            "latency": (ms, entry.mistakes),
            "size": (size, entry.mistakes, ms),
        }[rule.prefer]

    return min(finalists, key=costs)


def _nobody(pool: CandidatePool, failures: Sequence[Entry]) -> str:
    """The error when no model can become champion, with the first reasons."""
    entries, measured = (failures, " that were measured") if pool.contenders else (pool.excluded, "")
    lines = [f"None of the {len(entries)} runs{measured} can become champion; nothing was changed."]
    lines += [entry.exclusion for entry in entries[:SHOWN]]
    lines += [f"and {len(entries) - SHOWN} more"] if len(entries) > SHOWN else []
    return "\n  ".join(lines)


def decide_alias(registry: Registry, choice: Choice, evidence: Evidence) -> Verdict:
    """The verdict on the winner: champion if it is no worse than the champion there is, else challenger."""
    winner, version = choice.winner, registry.version(CHAMPION)
    if version is None:
        return Verdict(CHAMPION)
    number, champion = str(version.version), registry.candidate(version)
    if version.run_id == winner.candidate.run_id:
        return Verdict(CHAMPION, champion_before=number, is_confirmed=True)
    if any(champion.tags.get(key) != winner.candidate.tags.get(key) for key in ("dataset_digest", "split_digest")):
        return Verdict(CHALLENGER, _other_images(champion, number, registry), champion_before=number)
    try:
        entry = _champion_entry(champion, choice, evidence)
    except MissingLibraryError as error:
        lacks = f"the champion, version {number}, cannot be compared with it on this machine: {error}"
        return Verdict(CHALLENGER, lacks, champion_before=number)
    except UserFacingError as error:
        note = f"the champion before, version {number}, cannot be asked any more: {error}"
        return Verdict(CHAMPION, note=note, champion_before=number)
    lacks = significantly_worse(winner, entry)
    if not lacks and not any(champion.run_id in other.run_ids for other in choice.taking_part):
        lacks = shortfall(winner, entry, choice.rule, evidence)  # a champion that takes part was not chosen
    return Verdict(CHALLENGER if lacks else CHAMPION, lacks, champion_before=number)


def _other_images(champion: Candidate, version: str, registry: Registry) -> str:
    return (
        f"the champion, version {version}, learned from other images ({champion.tags.get('dataset', 'unknown')}, "
        f"split_seed={champion.params.get('split_seed', 'unknown')}), so that they cannot be compared. To let that one "
        f'go: mlflow.MlflowClient().delete_registered_model_alias("{registry.name}", "{CHAMPION}")'
    )


def _champion_entry(champion: Candidate, choice: Choice, evidence: Evidence) -> Entry:
    """The entry of the champion, with its other seeds if they take part; its model has to load."""
    predicted = evidence.predicted(champion)
    for entry in choice.contenders:
        if entry.others and champion.run_id in entry.run_ids:
            return entry
    try:
        return Entry(champion, evidence.stored(champion))
    except UserFacingError:
        return Entry(champion, predicted)


def shortfall(challenger: Entry, champion: Entry, rule: Rule, evidence: Evidence) -> str:
    """The reason why a challenger loses to the champion by the rule, measured side by side; empty if it wins."""
    challenger, champion = _measure([challenger, champion], rule, evidence)
    if challenger.excluded:
        return f"measured again beside the champion, it fails: {challenger.excluded}"
    if champion.excluded or over_budget(champion.candidate, rule) or significantly_worse(champion, challenger):
        return ""
    if worse := significantly_worse(challenger, champion):
        return worse
    if cheapest([challenger, champion], rule, champion.candidate.run_id) is challenger:
        return ""
    faster = a_little_faster([challenger, champion], rule, champion)
    text = f"neither is significantly worse, and by prefer={rule.prefer} the champion is the better"
    return f"{text}: {faster}" if faster else text


def a_little_faster(finalists: Sequence[Entry], rule: Rule, champion: Entry) -> str:
    """The words for a finalist that is faster than the champion, by less than counts; empty where there is none."""
    faster = cheapest(finalists, rule)
    if faster is champion:
        return ""
    name, latencies = faster.candidate.algorithm, f"{faster.ms_per_image:.3g} against {champion.ms_per_image:.3g}"
    return f"{name} is less than a tenth faster: {latencies} ms/image"


def significantly_worse(challenger: Entry, champion: Entry) -> str:
    """The words for a challenger that is significantly worse than the champion; empty for any other."""
    if challenger.mistakes <= champion.mistakes:
        return ""
    comparison = compare_with_best([champion, challenger])[1].comparison
    if not comparison or not comparison.is_worse:
        return ""
    mean, low, high = (100 * value for value in comparison.difference)
    return (
        f"it is significantly worse than the champion: {mean:+.2f} points "
        f"({low:+.2f} to {high:+.2f}), p = {comparison.p_value:.2g}"
    )
