"""What the page of a search's run says, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from mnist_mlflow.search.space import Space
from mnist_mlflow.search.summary import Interval, compare, metrics_of, params_of

FIGURES = {"tuning_log_loss": "log loss", "tuning_accuracy": "accuracy", "tuning_ms_per_image": "ms an image"}

CAUTION = """The tuning slice has chosen the best of many, and so flatters it. The model of this run has learned anew
with the best hyperparameters; what it is worth, its `val_` metrics say."""


def note(
    name: str,
    space: Space,
    done: Sequence[FrozenTrial],
    default: FrozenTrial | None,
    best: FrozenTrial | None,
    command: str,
) -> str:
    """How many trials there were, what the best has won over the defaults, and how to go on."""
    counts = ", ".join(_counted(done))
    parts = [f"### Search\n\nStudy `{name}`: {counts or 'no trial has ended'}."]
    if best and default:
        parts += [_won(space, default, best), CAUTION]
    elif not best:
        parts.append("Nothing has been compared with the defaults, which are kept.")
    parts.append(f"To try more: `{command}` with a larger number of `trials`.")
    return "\n\n".join(parts)


def _counted(done: Sequence[FrozenTrial]) -> list[str]:
    words = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "broken off early", TrialState.FAIL: "failed"}
    counts = {word: sum(trial.state == state for trial in done) for state, word in words.items()}
    return [f"{count} {'trial' if count == 1 else 'trials'} {word}" for word, count in counts.items() if count]


def _won(space: Space, default: FrozenTrial, best: FrozenTrial) -> str:
    if best.number == default.number:
        return f"Nothing was better than the defaults (trial {default.number})."
    compared = compare(default, best)
    differences = {
        "tuning_log_loss": _interval(compared.log_loss, 1, 4),
        "tuning_accuracy": _interval(compared.accuracy, 100, 2) + " points",
    }
    before, after = metrics_of(default), metrics_of(best)
    lines = [
        f"| {title} | {before[metric]:.4f} | {after[metric]:.4f} | {differences.get(metric, '')} |"
        for metric, title in FIGURES.items()
        if metric in after and metric in before
    ]
    old, new = params_of(default, space), params_of(best, space)
    lines += [f"| `{key}` | {old[key]} | {new[key]} | |" for key in new if new[key] != old[key]]
    head = f"| on the tuning slice | defaults (trial {default.number}) | best (trial {best.number}) | difference |"
    return "\n".join([head, "| --- | --- | --- | --- |", *lines])


def _interval(interval: Interval, factor: float, digits: int) -> str:
    mean, low, high = (f"{factor * value:+.{digits}f}" for value in interval)
    return f"{mean} (95 %: {low} to {high})"
