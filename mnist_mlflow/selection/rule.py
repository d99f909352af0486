"""The rule: among the models that are not significantly worse than the best, the one that is cheapest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.pool import Contender, Field, Standing, over_budget, stand
from mnist_mlflow.tracking.candidates import Candidate

MOST_FINALISTS = 12
MOST_MEASURED = 60
SHOWN = 5  # reasons
NOISE = 0.1  # of a latency that was measured twice

Measure = Callable[[Sequence[Candidate]], tuple[dict[str, float], dict[str, str]]]  # ms an image, and what is broken


@dataclass(frozen=True)
class Finalist:
    """A model that is as good as the best, and within the budgets."""

    standing: Standing
    ms_per_image: float

    @property
    def candidate(self) -> Candidate:
        """The finished run."""
        return self.standing.candidate

    def cost(self, prefer: str, ms_per_image: float) -> tuple[float, ...]:
        """What decides, the first figure first: the less, the better."""
        inaccuracy, size = -self.standing.accuracy, self.candidate.metrics.get("model_mb", math.inf)
        return {
            "accuracy": (inaccuracy, ms_per_image),
            "latency": (ms_per_image, inaccuracy),
            "size": (size, inaccuracy, ms_per_image),
        }[prefer]


@dataclass(frozen=True)
class Choice:
    """Who was chosen, by which rule, among whom."""

    rule: Rule
    winner: Finalist
    finalists: list[Finalist]  # the most accurate first
    standings: list[Standing]
    field: Field = field(repr=False)

    @property
    def level(self) -> list[Standing]:
        """Who is as good as the best; not all of them are measured."""
        return _as_good_as_the_best(self.standings)


def choose(gather: Callable[[Mapping[str, str]], Field], rule: Rule, measure: Measure, incumbent: str = "") -> Choice:
    """Apply the rule to what `gather` brings, which is told each time who is excluded by now, and why.

    A model that does not load, or is too slow, is excluded; then the best is looked for anew among the others. The
    incumbent, a run, has the tie. Raises UserFacingError when nobody is left.
    """
    excluded: dict[str, str] = {}
    measured = 0
    while True:
        found = gather(excluded)
        if not found.contenders or measured >= MOST_MEASURED:
            raise UserFacingError(_nobody(found))
        standings = stand(found.contenders)
        chosen = _most_promising(_as_good_as_the_best(standings), rule)
        ms, broken = measure([standing.candidate for standing in chosen])
        measured += len(chosen)
        slow = {run_id: _too_slow(value, rule) for run_id, value in ms.items() if _is_too_slow(value, rule)}
        if not broken and not slow:
            finalists = [Finalist(standing, ms[standing.candidate.run_id]) for standing in chosen]
            return Choice(rule, cheapest(finalists, rule, incumbent), finalists, standings, found)
        excluded |= broken | slow


def _as_good_as_the_best(standings: Sequence[Standing]) -> list[Standing]:
    return [standing for standing in standings if not standing.is_worse]


def _most_promising(level: list[Standing], rule: Rule) -> list[Standing]:
    """As many as are measured, by what the rule prefers as far as it has been logged; the most accurate first."""
    metric = {"latency": "predict_ms_per_image", "size": "model_mb"}.get(rule.prefer)
    if metric and len(level) > MOST_FINALISTS:
        cheap = sorted(level, key=lambda standing: standing.candidate.metrics.get(metric, math.inf))[:MOST_FINALISTS]
        return [standing for standing in level if standing in cheap]
    return level[:MOST_FINALISTS]


def cheapest(finalists: Sequence[Finalist], rule: Rule, incumbent: str = "") -> Finalist:
    """The finalist that the rule prefers. Who wants to count as faster than the incumbent has to be so by a tenth."""

    def cost(finalist: Finalist) -> tuple[float, ...]:
        is_incumbent = finalist.candidate.run_id == incumbent
        return finalist.cost(rule.prefer, finalist.ms_per_image * (1 - NOISE * is_incumbent))

    return min(finalists, key=cost)


def _is_too_slow(ms: float, rule: Rule) -> bool:
    return bool(rule.max_ms_per_image) and ms > rule.max_ms_per_image


def _too_slow(ms: float, rule: Rule) -> str:
    return f"it takes {ms:.3g} ms an image here, over max_ms_per_image={rule.max_ms_per_image:g}"


def _nobody(found: Field) -> str:
    lines = found.left_out_text
    more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    listed = "".join(f"\n  {line}" for line in lines[:SHOWN])
    what = "None of the {} runs" if not found.contenders else "None of the {} runs that were measured"
    return f"{what.format(len(lines))} can become champion; nothing was changed.{listed}{more}"


def beats(challenger: Contender, champion: Contender, rule: Rule, measure: Measure) -> tuple[bool, str]:
    """Whether a challenger wins against the champion by the rule, and why it does or not."""
    both = sorted((challenger, champion), key=lambda contender: contender.mistakes)
    both = [contender for contender in both if not over_budget(contender.candidate, rule)]
    choice = choose(lambda excluded: _without(both, excluded), rule, measure, champion.candidate.run_id)
    if choice.winner.candidate.run_id == challenger.candidate.run_id:
        return True, ""
    equal = f"by prefer={rule.prefer} the champion is the better of two that are equally good"
    return False, significantly_worse(challenger, champion) or equal


def _without(contenders: Sequence[Contender], excluded: Mapping[str, str]) -> Field:
    return Field([found for found in contenders if found.candidate.run_id not in excluded])


def significantly_worse(challenger: Contender, champion: Contender) -> str:
    """What is to be said of a challenger that is significantly worse than the champion; nothing of one that is not."""
    if challenger.mistakes <= champion.mistakes:
        return ""
    _, standing = stand([champion, challenger])
    if not standing.is_worse:
        return ""
    mean, low, high = (100 * value for value in standing.difference)
    return (
        f"it is significantly worse than the champion: {mean:+.2f} points "
        f"({low:+.2f} to {high:+.2f}), p = {standing.p_value:.2g}"
    )
