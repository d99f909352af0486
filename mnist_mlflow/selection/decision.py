"""The decision: its sentences, its JSON, its outcome and grounds; it is recorded before anything is changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnist_mlflow.parameters import parameters_of, pick
from mnist_mlflow.protocol import Rule
from mnist_mlflow.reports.figures import p_text
from mnist_mlflow.selection.entry import Comparison, Entry
from mnist_mlflow.selection.grounds import Grounds, figures_of
from mnist_mlflow.selection.leaderboard import leaderboard
from mnist_mlflow.selection.members import seed_of
from mnist_mlflow.selection.outcome import Outcome, Ruling
from mnist_mlflow.selection.rule import Choice, Verdict, a_little_faster, statistically_tied
from mnist_mlflow.tracking.aliases import CHAMPION, EMPTY, State
from mnist_mlflow.tracking.candidates import Candidate, NotComparable, Query
from mnist_mlflow.tracking.signatures import Signature
from mnist_mlflow.tracking.unconsidered import UnconsideredRun


@dataclass(frozen=True)
class Decision:
    """The choice, the verdict on the winner, and what was not considered.

    `state` is that of the registered model before, `considered` are all runs that were looked at.
    """

    choice: Choice
    verdict: Verdict
    query: Query
    decided: Signature
    not_comparable: Sequence[NotComparable] = ()
    unconsidered: Sequence[UnconsideredRun] = ()
    state: State = EMPTY
    considered: Sequence[str] = ()

    @property
    def sentences(self) -> dict[str, str]:
        """The decision in words, by topic."""
        winner, verdict = self.choice.winner, self.verdict
        sentences = {
            "rule": rule_text(self.choice.rule),
            "among": _among(self.choice),
            "chosen": f"{seeds_text(winner)}, run {winner.candidate.run_id}{_by_log_loss(winner)}",
            **({"seeds": _seeds(winner)} if winner.others else {}),
            "against the best": _against_the_best(self.choice),
            **_stays(self.choice),
            "becomes": _becomes(verdict),
            "champion before": f"version {verdict.champion_before}" if verdict.champion_before else "none",
            "decided": self.decided.at,
        }
        return sentences | ({"note": verdict.note} if verdict.note else {})

    def outcome(self, reason: str, command: str) -> Outcome:
        """All that carrying it out takes: its reason, and the command that was typed, are not in the decision."""
        verdict, choice = self.verdict, self.choice
        ruling = Ruling(verdict.alias, verdict.champion_before, self.sentences, self.decided, reason, command)
        return Outcome(ruling, choice.winner, choice.finalists, leaderboard(choice))

    @property
    def grounds(self) -> Grounds:
        """The aliases, the query and the runs that it rests on."""
        choice = self.choice
        return Grounds(
            self.state.that_decides,
            self.query,
            pick(Rule, vars(choice.rule)),
            {member.run_id: figures_of(member) for entry in choice.contenders for member in entry.members},
            self.considered,
            [seed_of(member) for member in choice.winner.members],
            choice.contenders[0].most_mistakes,
            choice.floor,
        )

    def as_json(self) -> dict[str, Any]:
        """The whole decision as plain data."""
        choice, winner = self.choice, self.choice.winner.candidate
        settings = {parameter.name: getattr(choice.rule, parameter.name) for parameter in parameters_of(Rule)}
        return {
            "decided_at": self.decided.at,
            "sentences": self.sentences,
            "winner": {"run_id": winner.run_id, "model_id": winner.model_id, "algorithm": winner.algorithm},
            **dataclasses.asdict(self.verdict),
            "rule": {"text": rule_text(choice.rule), **settings},
            "query": dataclasses.asdict(self.query),
            "compared": [_as_json(entry, entry.comparison) for entry in choice.taking_part if entry.comparison],
            "certainly_worse": [entry.candidate.run_id for entry in choice.taking_part if not entry.comparison],
            "left_out": {entry.candidate.run_id: entry.excluded for entry in choice.excluded},
            "not_comparable": [dataclasses.asdict(other) for other in self.not_comparable],
            "newer_but_not_considered": [dataclasses.asdict(run) for run in self.unconsidered],
        }


def _among(choice: Choice) -> str:
    part, tied, measured = len(choice.taking_part), len(statistically_tied(choice.contenders)), len(choice.finalists)
    if part == 1:
        return "one model took part"
    if tied == 1:
        return f"the best of {part} models that took part; the others are significantly worse"
    text = f"{tied} of {part} models that took part are not significantly worse than the best"
    return text if tied == measured else f"{text}; {measured} of them {'was' if measured == 1 else 'were'} measured"


def rule_text(rule: Rule) -> str:
    """The rule in words."""
    first = {"accuracy": "most accurate, then the fastest,", "latency": "fastest", "size": "smallest"}[rule.prefer]
    budgets = {"ms/image": rule.max_ms_per_image, "MB": rule.max_mb, "calibration error": rule.max_ece}
    within = ", ".join(f"{most:g} {unit}" for unit, most in budgets.items() if most)
    among = "of the models that are not significantly worse than the best"
    among += f", within {within}" if within else ""
    among += f", sure of {100 * rule.min_coverage:g} % at least" if rule.min_coverage else ""
    return f"the {first} {among}"


def _against_the_best(choice: Choice) -> str:
    comparison = choice.winner.comparison
    if not comparison or choice.winner is choice.contenders[0]:
        return "it is the best itself"
    if not any(comparison.difference):
        return "it reads the same images right"
    mean, low, high = (100 * value for value in comparison.difference)
    return f"{mean:+.2f} points ({low:+.2f} to {high:+.2f}), p = {p_text(comparison.p_value)}"


def _stays(choice: Choice) -> dict[str, str]:
    """The words for a champion that is not the fastest, and stays for want of a tenth."""
    faster = a_little_faster(choice.finalists, choice.rule, choice.winner)
    return {"stays": f"the champion, since {faster}"} if faster else {}


def _becomes(verdict: Verdict) -> str:
    if verdict.alias != CHAMPION:
        return f"{verdict.alias}: {verdict.lacks}"
    return "nothing new: it is the champion already" if verdict.is_confirmed else verdict.alias


def seeds_text(entry: Entry) -> str:
    """An entry's algorithm, with the number of its seeds if there are several."""
    return f"{entry.candidate.algorithm}, {len(entry.members)} seeds" if entry.others else entry.candidate.algorithm


def _seeds(entry: Entry) -> str:
    """The accuracy of several seeds in words."""
    listed = ", ".join(f"{_seed(member)['seed']} (run {member.run_id[:8]})" for member in entry.members)
    mean, deviation = 100 * entry.accuracy, 100 * entry.spread
    return f"{mean:.2f} ± {deviation:.2f} % read right, mean and standard deviation of {listed}"


def _by_log_loss(entry: Entry) -> str:
    return f" (seed {_seed(entry.candidate)['seed']}, the median by log loss)" if entry.others else ""


def _seed(member: Candidate) -> dict[str, object]:
    metrics = {name: member.metrics[name] for name in ("val_accuracy", "val_log_loss")}
    return {"run_id": member.run_id, "seed": member.params.get("seed", "unknown"), **metrics}


def _as_json(entry: Entry, comparison: Comparison) -> dict[str, Any]:
    return {
        "run_id": entry.candidate.run_id,
        "algorithm": entry.candidate.algorithm,
        "val_accuracy": entry.accuracy,
        "interval": comparison.interval,
        "difference": comparison.difference,
        "p_value": comparison.p_value,
        "significantly_worse": comparison.is_worse,
        **({"seeds": [_seed(member) for member in entry.members]} if entry.others else {}),
        "ms_per_image": entry.ms_per_image if entry.is_measured else None,
    }
