"""The model card: sections about a registered model, for the registry's page and for a page of HTML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UsageError
from mnist_mlflow.evaluation.metrics import class_scores
from mnist_mlflow.evaluation.selective import ALLOWED, selective
from mnist_mlflow.evaluation.significance import accuracy_interval
from mnist_mlflow.protocol import command
from mnist_mlflow.reports.evaluations import examination_section, failure_section
from mnist_mlflow.reports.figures import openings_text
from mnist_mlflow.reports.lead import lead
from mnist_mlflow.reports.sections import Section, shortened
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.datasets import ADDRESS, DATASET_TAGS
from mnist_mlflow.tracking.evaluations import StoredEvaluation
from mnist_mlflow.tracking.results import KeptAnswers
from mnist_mlflow.tracking.signatures import signature_rows
from mnist_mlflow.tracking.views import MODELS

MOST_CONFUSED = 8
ORIGIN = (*DATASET_TAGS, "engine")
SUMMARY = {
    "accuracy": "accuracy %",
    "precision_macro": "precision %",
    "recall_macro": "recall %",
    "f1_macro": "F1 %",
    "log_loss": "log loss",
    "ece": "calibration error %",
    "coverage": "sure %",
    "selective_error": "wrong of the sure %",
    "accuracy_corrected": "accuracy with known wrong labels set right %",
}
SURE = """Of the answers that are sure, a share of max_error is wrong at most, on average over images like those that it
learned from. The table has what became of that on the validation images."""
LIMITS = """It reads pictures of one digit each, in any size, colour and light; the commands read and serve find
digits on a page for it. It learned how people in the United States wrote around 1990 (MNIST), with variations, or
what else is told above. Whatever it sees, it answers with a digit: what is no digit, or ambiguous, is not sure, and
of letters some are sure all the same. Where a mistake would hurt somebody, as in the grading of an exam, let people
look at all answers that are not sure, and at a sample of the others."""

LOAD = """import mlflow
import numpy as np

mlflow.set_tracking_uri({store})
model = mlflow.pyfunc.load_model({uri})
images = np.zeros((1, 28, 28), np.uint8)  # yours instead, or a list of PNG or JPEG files as bytes
print(model.predict(images))"""


@dataclass(frozen=True)
class Subject:
    """A model with what its card is written from: run, answers to the validation images, decision, figures.

    `store` is the address of the tracking store, in which `uri` names the model.
    Where no answers were kept (no rows), or without a decision, the card leaves out what they tell.
    """

    candidate: Candidate
    uri: str
    store: str
    answers: KeptAnswers
    decision: Mapping[str, str]  # sentences by topic
    ms_per_image: float
    test_metrics: Mapping[str, float] = field(default_factory=dict)
    signed: Mapping[str, str] = field(default_factory=dict)  # the facts about who decided, who applied, and why
    evaluations: Sequence[StoredEvaluation] = ()  # after its training, the oldest first

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the run, its latency, and test metrics if the test images were opened for it."""
        return {**self.candidate.metrics, "ms_per_image": self.ms_per_image, **self.test_metrics}


def write_card(subject: Subject) -> list[Section]:
    """The sections of the card, without those that would be empty; the first is its beginning, without a title."""
    candidate, params, images = subject.candidate, subject.candidate.params, len(subject.answers.labels)
    origin = [(key, candidate.tags[key]) for key in ORIGIN if key in candidate.tags]
    sections = [
        Section("", lead(candidate.algorithm, subject.metrics, images, candidate.tags, subject.decision)),
        _figures(subject),
        Section("How it was chosen", rows=[*subject.decision.items(), *signature_rows(subject.signed)], head=("", "")),
        _sure(subject),
        _digits(subject),
        _confusions(subject),
        failure_section(subject.evaluations),
        examination_section(subject.evaluations),
        Section("What it learned from", head=("", ""), rows=origin),
        Section("Parameters", head=("parameter", "value"), rows=sorted(params.items())),
        Section("Limits and intended use", LIMITS),
        Section("Load it", code=LOAD.format(store=json.dumps(subject.store), uri=json.dumps(subject.uri))),
        Section("Reproduce it", _origin(candidate), code=_reproduce(candidate)),
    ]
    return [section for section in sections if section.text or section.rows or section.code]


def card_title(name: str, subject: Subject) -> str:
    """The title of the card of a registered model."""
    return f"{name}: {subject.candidate.algorithm}"


def short_card(name: str, subject: Subject, run_id: str, place: str) -> str:
    """The card of a registered model as its registry stores it, which has no room for all of it.

    It leads to the run that chose the model, and to the models of its experiment, whose number is `place`.
    """
    run = f"[run {run_id}](#/experiments/{place}/runs/{run_id})"
    where = f"The whole card is `card.md` of {run}; `report` writes it with what was scored since. "
    where += f"[All models, the best first]({MODELS.path(place)})"
    return shortened(f"{card_title(name, subject)}{_right(subject)}", write_card(subject), where)


def _right(subject: Subject) -> str:
    """The accuracies that are known, in a sentence."""
    parts = {"val_accuracy": "validation", "test_accuracy": "test"}
    right = [
        f"{100 * subject.metrics[key]:.2f} % of the {part} images"
        for key, part in parts.items()
        if key in subject.metrics
    ]
    return f". It reads {' and '.join(right)} right." if right else ""


def _figures(subject: Subject) -> Section:
    metrics = subject.metrics
    rows = []
    for name, title in SUMMARY.items():
        cells = [_figure(metrics, f"{part}_{name}", len(subject.answers.labels)) for part in ("val", "test")]
        rows += [[title, *cells]] if any(cells) else []
    costs = {"ms_per_image": "ms/image", "model_mb": "megabytes", "fit_seconds": "seconds to learn"}
    rows += [[title, f"{metrics[name]:.3g}", ""] for name, title in costs.items() if name in metrics]
    text = "In brackets the 95 % interval that so many images allow."
    if seeds := subject.decision.get("seeds"):  # in words: the metrics of the run are those of one
        text += f" The model is one of several seeds: {seeds}."
    if openings := metrics.get("test_openings"):
        text += f" {openings_text(int(openings))}"
    count = f"{len(subject.answers.labels):,} " if len(subject.answers.labels) else ""
    return Section("Figures", text, ("", f"{count}validation images", "test images"), rows)


def _figure(metrics: Mapping[str, float], name: str, images: int) -> str:
    if name not in metrics:
        return ""
    value = metrics[name]
    if name.endswith("log_loss"):
        return f"{value:.4f}"
    bounds = (metrics.get(f"{name}_low"), metrics.get(f"{name}_high"))
    if name == "val_accuracy" and images:
        bounds = accuracy_interval(round(value * images), images)
    if bounds[0] is None or bounds[1] is None:
        return f"{100 * value:.2f}"
    return f"{100 * value:.2f} ({100 * bounds[0]:.2f} to {100 * bounds[1]:.2f})"


def _sure(subject: Subject) -> Section:
    """The answers that are sure, for several errors that may be allowed."""
    labels, probabilities, promised = subject.answers
    if not len(promised):
        return Section("When it is sure")
    correct, rows = probabilities.argmax(axis=1) == labels, []
    for allowed in ALLOWED:
        figures = selective(correct, promised <= allowed)
        cells = [f"{100 * figures[name]:.2f}" if name in figures else "" for name in ("coverage", "selective_error")]
        rows.append([f"{allowed:g}", *cells])
    text = f"{SURE} Unless told otherwise, max_error is {subject.candidate.params.get('max_error', 'unknown')}."
    return Section("When it is sure", text, ("max_error", "sure %", "wrong of the sure %"), rows)


def _digits(subject: Subject) -> Section:
    scores = class_scores(subject.answers.labels, subject.answers.probabilities) if len(subject.answers.labels) else []
    rows = []
    for digit, (precision, recall, f1, images) in enumerate(zip(*scores, strict=True)):
        shares = [f"{100 * value:.2f}" for value in (precision, recall, f1)]
        test_f1 = subject.metrics.get(f"test_f1_{digit}")
        rows.append([str(digit), f"{images:,}", *shares, "" if test_f1 is None else f"{100 * test_f1:.2f}"])
    return Section(
        "Digit by digit", head=("digit", "images", "precision %", "recall %", "F1 %", "test F1 %"), rows=rows
    )


def _confusions(subject: Subject) -> Section:
    predicted = subject.answers.probabilities.argmax(axis=1)
    wrong = predicted != subject.answers.labels
    pairs = Counter(zip(subject.answers.labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    rows = [[str(true), str(other), str(count)] for (true, other), count in pairs.most_common(MOST_CONFUSED)]
    if not len(wrong):
        return Section("What it confuses")
    count = int(wrong.sum())
    text = f"{count} of {len(predicted):,} validation images {'is' if count == 1 else 'are'} misread; most often:"
    return Section("What it confuses", text, ("label", "read as", "times"), rows)


def _origin(candidate: Candidate) -> str:
    commit = candidate.tags.get("mlflow.source.git.commit", "unknown")
    changed = {"False": "clean", "True": "changed: its run holds the differences"}
    state = changed.get(candidate.tags.get("git_dirty", ""), "unknown")
    text = f"Run {candidate.run_id}, commit {commit}, work tree {state}."
    return f"{text} In a clone of the project, type:" if candidate.params else f"{text} Its parameters are gone."


def _reproduce(candidate: Candidate) -> str:
    """The command that makes the run again, and one that does without its store.

    In the second, hyperparameters from a search are typed, not searched for again.
    """
    if not candidate.params:
        return ""
    # A path was logged as it was typed, in a folder that nobody knows.
    params = candidate.params | ({"data": candidate.tags[ADDRESS]} if ADDRESS in candidate.tags else {})
    try:
        train = Task.from_params(candidate.algorithm, params).command()
    except UsageError:  # an ensemble, or something that this version does not know: as it was logged
        train = command(candidate.algorithm, params)
    return f"{reproduce_command(candidate.run_id)}\n# without this store, once the commit is checked out:\n{train}"


def reproduce_command(run_id: str) -> str:
    """The command that makes a run again."""
    return command("reproduce", {"run": run_id})
