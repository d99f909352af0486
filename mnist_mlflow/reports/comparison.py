"""The comparison of runs: an answer in a sentence, and sections of tables, which terminal and page both show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mnist_mlflow.reports.card import SUMMARY
from mnist_mlflow.reports.differences import Patch, code_changes, difference_sections
from mnist_mlflow.reports.figures import NOT_RECORDED, bounds, spread
from mnist_mlflow.reports.pairs import Pair, answer, pair_section, pairs_of
from mnist_mlflow.reports.searches import search_section
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.sides import Side
from mnist_mlflow.types import CLASSES

COSTS = {
    "fit_seconds": ("seconds to learn", ".3g"),
    "predict_ms_per_image": ("ms/image", ".3g"),
    "model_mb": ("megabytes of the model", ".3g"),
    "tracking_seconds": ("seconds for tracking", ".3g"),
}
TRIALS = {"trials_complete": "complete", "trials_pruned": "pruned", "trials_fail": "failed"}
METRICS = (
    "On the validation images; of several seeds mean ± standard deviation. "
    "The test images decide nothing: their figures are not shown."
)


@dataclass(frozen=True)
class Comparison:
    """The answer in sentences, the sections, further ones for the page alone, and what the page draws."""

    sides: Sequence[Side]
    pairs: Sequence[Pair]
    answer: Sequence[str]
    sections: Sequence[Section]
    details: Sequence[Section]
    patches: Sequence[Patch]


def compare(sides: Sequence[Side], root: Path) -> Comparison:
    """The comparison of sides that have been read; `root` is the folder of the repository with their commits."""
    pairs, notes = pairs_of(sides), list(_not_compared(sides))
    differing, other_libraries = difference_sections(sides)
    code, patches = code_changes(sides, root)
    sections = [
        _runs(sides),
        differing,
        code,
        _metrics(sides),
        _costs(sides),
        pair_section(pairs),
        search_section(sides),
    ]
    sections.append(Section("What could not be compared", " ".join(notes)))
    details = [_digits(sides), other_libraries]
    return Comparison(sides, pairs, answer(pairs, notes), _filled(sections), _filled(details), patches)


def _filled(sections: Sequence[Section]) -> list[Section]:
    return [section for section in sections if section.rows or section.text or section.code]


def _not_compared(sides: Sequence[Side]) -> Iterator[str]:
    yield from (note for side in sides for note in side.gone)
    first, *others = sides
    for side in others:
        if side.images != first.images:
            named = _digests if _data(side) == _data(first) else _data
            yield (
                f"{side.label} is scored on other images ({named(side)}) than {first.label} ({named(first)}): "
                "all but accuracy is compared."
            )


def _digests(side: Side) -> str:
    """The digests, by which data sets of one name differ where a label is flipped."""
    data, split = (digest[:8] or "unknown" for digest in side.images)
    return f"digest {data}, split {split}"


def _data(side: Side) -> str:
    run = side.runs[0].data
    return f"{run.tags.get('dataset', 'unknown')}, split_seed={run.params.get('split_seed', 'unknown')}"


def _head(sides: Sequence[Side]) -> list[str]:
    return ["", *(side.label for side in sides)]


def _runs(sides: Sequence[Side]) -> Section:
    rows = []
    for side in sides:
        started = datetime.fromtimestamp(side.runs[0].info.start_time / 1000, UTC)
        ids = ", ".join(run.info.run_id for run in side.runs)
        command = side.runs[0].data.tags.get("command", NOT_RECORDED)
        rows.append([side.label, ids, f"{started:%Y-%m-%d %H:%M}", command])
    return Section("Runs", head=("", "run", "started (UTC)", "command"), rows=rows)


def _metrics(sides: Sequence[Side]) -> Section:
    rows = []
    for name, title in SUMMARY.items():
        form, factor = (".4f", 1) if name.endswith("log_loss") else (".2f", 100)
        values = [side.metric(f"val_{name}") for side in sides]
        rows += [[title, *(spread(each, form, factor) for each in values)]] if any(values) else []
        if name == "accuracy":
            rows.append(["95 % interval", *map(_interval, sides)])
    return Section("Metrics", METRICS, _head(sides), rows)


def _interval(side: Side) -> str:
    return bounds(*side.answers.interval, ".2f", 100) if side.answers else NOT_RECORDED


def _costs(sides: Sequence[Side]) -> Section:
    rows = [
        [title, *(spread(side.metric(name), form) for side in sides)]
        for name, (title, form) in COSTS.items()
        if any(side.metric(name) for side in sides)
    ]
    rows.append(["seconds of the whole run", *(spread(_durations(side), ".3g") for side in sides)])
    rows += [["trials", *map(_trials, sides)]] if any(side.is_search for side in sides) else []
    return Section("Cost", "As measured when the runs were made.", _head(sides), rows)


def _durations(side: Side) -> list[float]:
    return [(run.info.end_time - run.info.start_time) / 1000 for run in side.runs if run.info.end_time]


def _trials(side: Side) -> str:
    """The numbers of trials by their ends, as the search has counted them."""
    tags = side.runs[0].data.tags
    counts = [f"{tags[tag]} {word}" for tag, word in TRIALS.items() if tags.get(tag, "0") != "0"]
    return ", ".join(counts) or NOT_RECORDED


def _digits(sides: Sequence[Side]) -> Section:
    rows = [
        [str(digit), *(spread(side.metric(f"val_f1_{digit}"), ".2f", 100) for side in sides)]
        for digit in range(CLASSES)
    ]
    return Section("Digit by digit", "F1 in per cent.", ["digit", *_head(sides)[1:]], rows)
