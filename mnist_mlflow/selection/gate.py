"""The gate: whom the rule chose replaces a champion only if it is no worse; else it is registered as challenger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.selection.pool import Contender
from mnist_mlflow.selection.rule import Choice, Measure, beats, significantly_worse
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import CHALLENGER, CHAMPION, REGISTERED_MODEL, Registry

Read = Callable[[Candidate], Contender]  # raises UserFacingError for what cannot be read


@dataclass(frozen=True)
class Verdict:
    """What becomes of the winner: an alias, what it lacked of another one, and what else is to be said."""

    alias: str
    lacks: str = ""
    note: str = ""
    champion_before: str | None = None


def pass_gate(registry: Registry, choice: Choice, read: Read, ask: Read, measure: Measure) -> Verdict:
    """Set the winner against the champion, if there is another one.

    `read` takes what a run has stored of the validation images, `ask` asks the model about them.
    """
    winner, now = choice.winner.candidate, registry.version(CHAMPION)
    if now is None:
        return Verdict(CHAMPION)
    version = str(now.version)
    if now.run_id == winner.run_id:
        return Verdict(CHAMPION, champion_before=version)
    champion = registry.candidate(now)
    if any(champion.tags.get(key) != winner.tags.get(key) for key in ("dataset_digest", "split_digest")):
        return Verdict(CHALLENGER, _other_images(champion, version), champion_before=version)
    try:
        against = _read_or_ask(champion, read, ask)
    except UserFacingError as error:
        note = f"the champion before, version {version}, cannot be asked any more: {error}"
        return Verdict(CHAMPION, note=note, champion_before=version)
    lacks = _lacks(choice, read(winner), against, measure)
    return Verdict(CHALLENGER if lacks else CHAMPION, lacks, champion_before=version)


def _read_or_ask(champion: Candidate, read: Read, ask: Read) -> Contender:
    """The champion, which has to load: one that nobody can load is none, whatever its run has stored."""
    asked = ask(champion)
    try:
        return read(champion)
    except UserFacingError:
        return asked


def _lacks(choice: Choice, winner: Contender, champion: Contender, measure: Measure) -> str:
    """What the winner lacks to replace the champion; nothing where it lacks nothing."""
    if worse := significantly_worse(winner, champion):
        return worse
    if champion.candidate.run_id in {candidate.run_id for candidate in choice.field.candidates}:
        return ""  # it took part, and was not chosen
    won, reason = beats(winner, champion, choice.rule, measure)
    return "" if won else reason


def _other_images(champion: Candidate, version: str) -> str:
    return (
        f"the champion, version {version}, learned from other images ({champion.tags.get('dataset', 'unknown')}, "
        f"split_seed={champion.params.get('split_seed', 'unknown')}), so that they cannot be compared. To let that one "
        f'go: mlflow.MlflowClient().delete_registered_model_alias("{REGISTERED_MODEL}", "{CHAMPION}")'
    )
