"""Who takes part in a selection, and who of them is as good as the best, by what the runs have stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.significance import (
    ALPHA,
    Right,
    accuracy_difference,
    accuracy_interval,
    holm,
    largest_p,
    mcnemar,
)
from mnist_mlflow.protocol import Rule
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.models import predict
from mnist_mlflow.tracking.results import read_probabilities
from mnist_mlflow.types import Images, Labels, Probabilities

MOST_COMPARED = 100  # models, image by image
MOST_BEHIND = 20  # are shown of those that are certainly worse
CERTAINLY = ALPHA / 10_000  # significant even if so many were compared
ALIKE = 1e-6  # accuracies, of which one was logged
FEW_OTHERS = 3  # images of a batch


@dataclass(frozen=True)
class Contender:
    """A candidate, and which of the validation images it reads right."""

    candidate: Candidate
    right: Right

    @cached_property
    def mistakes(self) -> int:
        """How many images it reads wrong."""
        return int((~self.right).sum())


@dataclass(frozen=True)
class Standing:
    """How a contender stands against the best: difference in accuracy with its interval, and Holm's p-value."""

    candidate: Candidate
    accuracy: float
    interval: tuple[float, float]
    difference: tuple[float, float, float] = (0.0, 0.0, 0.0)
    p_value: float = 1.0

    @property
    def is_worse(self) -> bool:
        """Whether it is significantly worse than the best."""
        return self.p_value < ALPHA and self.difference[0] < 0


@dataclass
class Field:
    """Contenders, the best first; those that are certainly worse; and those that may not take part, with the reason."""

    contenders: list[Contender] = field(default_factory=list)
    behind: list[Candidate] = field(default_factory=list)
    left_out: dict[str, tuple[Candidate, str]] = field(default_factory=dict)
    floor: float = 0.0  # of accuracy: what is below was not looked at

    @property
    def candidates(self) -> list[Candidate]:
        """All that take part, the best first."""
        return [contender.candidate for contender in self.contenders] + self.behind

    @property
    def left_out_text(self) -> list[str]:
        """Who may not take part, and why, in words."""
        return [
            f"{candidate.algorithm}, run {candidate.run_id[:8]}: {reason}"
            for candidate, reason in self.left_out.values()
        ]


class Reader:
    """Reads which validation images a run's model reads right, once for each."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.known: dict[str, Contender] = {}

    def __call__(self, candidate: Candidate) -> Contender:
        """The candidate as contender; raises UserFacingError for unreadable or contradicting probabilities."""
        if candidate.run_id not in self.known:
            probabilities = read_probabilities(candidate.artifacts, "validation", self.labels)
            right = probabilities.argmax(axis=1) == self.labels
            if not abs(right.mean() - candidate.metrics["val_accuracy"]) <= ALIKE:
                raise UserFacingError(f"its probabilities have another accuracy ({right.mean():.4f}) than was logged")
            self.known[candidate.run_id] = Contender(candidate, right)
        return self.known[candidate.run_id]

    def ask(self, candidate: Candidate, images: Images) -> Contender:
        """The model, asked about the images of these labels; raises UserFacingError if it does not load or answer."""
        return Contender(candidate, predict(candidate.model_uri, images).argmax(axis=1) == self.labels)

    def check(self, run_id: str, probabilities: Probabilities) -> None:
        """Raise UserFacingError where a model reads the first images otherwise than its run says."""
        known = self.known[run_id].right[: len(probabilities)]
        right = probabilities.argmax(axis=1) == self.labels[: len(probabilities)]
        if (other := int((right != known).sum())) > FEW_OTHERS:
            raise UserFacingError(f"it reads {other} of {len(right)} images otherwise than when it was logged")


def gather(
    candidates: Iterable[Candidate],
    rule: Rule,
    read: Callable[[Candidate], Contender],
    excluded: Mapping[str, str],
) -> Field:
    """Read what candidates, the best first, have stored, until all that follow are certainly worse than the best.

    Certainly: even if they shared no mistake with it, which is when McNemar's p-value is largest. So a store may hold
    thousands of models of which few have to be read.
    """
    found = Field()
    for candidate in candidates:
        reason = excluded.get(candidate.run_id) or over_budget(candidate, rule)
        if not reason and len(found.contenders) == MOST_COMPARED:
            found.floor = candidate.metrics["val_accuracy"]
            found.left_out[candidate.run_id] = (candidate, f"it comes after the {MOST_COMPARED} that were compared")
            break
        if not reason and found.contenders and _is_certainly_worse(candidate, found.contenders[0]):
            found.behind.append(candidate)
            found.floor = candidate.metrics["val_accuracy"]
            if len(found.behind) == MOST_BEHIND:
                break
        elif not reason:
            reason = _read_into(found, candidate, read)
        if reason:
            found.left_out[candidate.run_id] = (candidate, reason)
    found.contenders.sort(key=lambda contender: (contender.mistakes, contender.candidate.metrics["val_log_loss"]))
    return found


def _read_into(found: Field, candidate: Candidate, read: Callable[[Candidate], Contender]) -> str:
    """Let a candidate take part; returns why it cannot."""
    try:
        found.contenders.append(read(candidate))
    except UserFacingError as error:
        return str(error)
    return ""


def _is_certainly_worse(candidate: Candidate, best: Contender) -> bool:
    mistakes = round((1 - candidate.metrics["val_accuracy"]) * len(best.right))
    return mistakes > best.mistakes and largest_p(mistakes, best.mistakes) < CERTAINLY


def over_budget(candidate: Candidate, rule: Rule) -> str:
    """Which budget a candidate exceeds by what its run has logged; nothing where it is within all."""
    for metric, most in (("model_mb", rule.max_mb), ("val_ece", rule.max_ece)):
        value = candidate.metrics.get(metric)
        if most and (value is None or not value <= most):
            given = metric.replace("model_", "max_").replace("val_", "max_")
            return f"its {metric} {'is unknown' if value is None else f'{value:.3g}'}, over {given}={most:g}"
    return ""


def stand(contenders: Sequence[Contender]) -> list[Standing]:
    """How each contender stands against the first, which is the best; the p-values are corrected for their number."""
    best, *others = contenders
    corrected = [1.0, *holm([mcnemar(best.right, other.right) for other in others])]
    return [
        Standing(
            contender.candidate,
            float(contender.right.mean()),
            accuracy_interval(int(contender.right.sum()), len(contender.right)),
            accuracy_difference(best.right, contender.right),
            p_value,
        )
        for contender, p_value in zip(contenders, corrected, strict=True)
    ]
