"""Members of a configuration in a selection: one run of each seed, and the one of them to promote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mnist_mlflow.tracking.candidates import Candidate


def seed_of(member: Candidate) -> str:
    """The seed of a run; of a run that has none its id."""
    return member.params.get("seed", member.run_id)


def different_seeds(members: Iterable[Candidate]) -> list[Candidate]:
    """The first member of each seed: one that was trained twice counts once."""
    by_seed: dict[str, Candidate] = {}
    for member in members:
        by_seed.setdefault(seed_of(member), member)
    return list(by_seed.values())


def median_member(members: Sequence[Candidate]) -> Candidate:
    """The first member whose log loss on the validation images is the median; of an even number, the greater one."""
    losses = sorted(member.metrics["val_log_loss"] for member in members)
    return next(member for member in members if member.metrics["val_log_loss"] == losses[len(losses) // 2])
