from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from mnist_mlflow.evaluation.examination import ACCURACY, COVERAGE, SELECTIVE_ERROR
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.evaluation.robustness import MEAN, METRIC
from mnist_mlflow.reports.card import Subject, short_card, write_card
from mnist_mlflow.reports.sections import LONGEST, Section, as_markdown, shortened
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.evaluations import CORRUPTIONS as CORRUPTED
from mnist_mlflow.tracking.evaluations import EXAMINATION, KIND, StoredEvaluation
from mnist_mlflow.tracking.results import KeptAnswers
from tests.simulated import labels_of, reads, right_but

LABELS = labels_of(1_000)
PROBABILITIES = reads(LABELS, right_but(1_000, range(0, 100, 10)))  # ten zeros read as ones
TAGS = {"dataset": "mnist", "dataset_digest": "abc", "mlflow.source.git.commit": "0123", "git_dirty": "True"}
PARAMS = {"n_neighbors": "4", "seed": "1", "trials": "30", "timeout": "9.0", "study": "mine", "data": "mnist"}


@pytest.fixture
def subject() -> Subject:
    metrics = prefixed("val", score(LABELS, PROBABILITIES)) | {"model_mb": 2.5}
    test_metrics = {"test_accuracy": 0.99, "test_accuracy_low": 0.98, "test_accuracy_high": 0.995, "test_f1_3": 0.9876}
    candidate = Candidate("run", "m", "knn", metrics, PARAMS, TAGS)
    return Subject(
        candidate,
        "models:/mine@champion",
        "sqlite:////mine.db",
        KeptAnswers(LABELS, PROBABILITIES),
        {"rule": "a"},
        0.0421,
        test_metrics,
    )


def rows(subject: Subject, title: str) -> dict[str, list[str]]:
    (section,) = [section for section in write_card(subject) if section.title == title]
    return {row[0]: list(row[1:]) for row in section.rows}


def test_the_first_sentences_say_what_was_measured_on_which_images(subject: Subject) -> None:
    assert as_markdown("t", write_card(subject)).startswith(
        "# t\n\nknn reads 99.00 % (98.17 to 99.46) of 1,000 validation images right. Of the test images, which decided "
        "nothing, it reads 99.00 % right. All figures are of MNIST. The rule that chose it: a.\n\n## Figures"
    )


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("digits", "All figures are of the 1,797 bundled digits. These are small pictures"),
        ("mnist+mine", "All figures are of MNIST and mine. The rule"),
        ("mine", "All figures are of mine. The rule"),
    ],
)
def test_the_first_sentences_name_the_data_set(subject: Subject, dataset: str, words: str) -> None:
    candidate = replace(subject.candidate, tags={"dataset": dataset})
    assert words in write_card(replace(subject, candidate=candidate))[0].text


def test_the_first_sentences_do_without_what_nobody_knows(subject: Subject) -> None:
    known = replace(subject, answers=KeptAnswers(LABELS[:0], PROBABILITIES[:0]), decision={}, test_metrics={})
    text = write_card(replace(known, candidate=replace(known.candidate, tags={})))[0].text
    assert text == "knn reads 99.00 % of the validation images right. All figures are of an unknown data set."


def test_figures_have_their_intervals(subject: Subject) -> None:
    cells = rows(subject, "Figures")
    assert cells["accuracy %"] == ["99.00 (98.17 to 99.46)", "99.00 (98.00 to 99.50)"]
    assert cells["log loss"][0].startswith("0.1")
    assert cells["megabytes"] == ["2.5", ""]
    assert cells["ms/image"] == ["0.0421", ""]


def test_one_of_several_seeds_says_what_they_are_together(subject: Subject) -> None:
    decision = {"seeds": "99.10 ± 0.10 % read right"}
    (figures,) = [one for one in write_card(replace(subject, decision=decision)) if one.title == "Figures"]
    assert figures.text.endswith("The model is one of several seeds: 99.10 ± 0.10 % read right.")


def test_test_figures_are_left_out_where_the_test_images_were_not_opened(subject: Subject) -> None:
    assert rows(replace(subject, test_metrics={}), "Figures")["accuracy %"][1] == ""


def test_each_digit_has_a_row(subject: Subject) -> None:
    cells = rows(subject, "Digit by digit")
    assert len(cells) == 10
    assert cells["0"][:3] == ["100", "100.00", "90.00"]
    assert cells["3"] == ["100", "100.00", "100.00", "100.00", "98.76"]


def test_confusions_are_counted(subject: Subject) -> None:
    assert rows(subject, "What it confuses") == {"0": ["1", "10"]}
    once = replace(subject, answers=KeptAnswers(LABELS, reads(LABELS, right_but(1_000, range(1)))))
    (section,) = [one for one in write_card(once) if one.title == "What it confuses"]
    assert section.text.startswith("1 of 1,000 validation images is misread")


def corrupted(worst: float, **changed: Any) -> StoredEvaluation:
    metrics = {METRIC.format(name, strength): 0.95 for name in CORRUPTIONS for strength in STRENGTHS}
    metrics |= {METRIC.format("strike_through", 3): worst, "val_accuracy_corrupted": 0.9412}
    return StoredEvaluation("run-of-it", 0, metrics | changed, {"images": "2000"}, {KIND: CORRUPTED}, "")


def test_the_worst_corruptions_of_the_latest_evaluation_are_told(subject: Subject) -> None:
    sure = {"val_coverage_corrupted": 0.8125, "val_selective_error_corrupted": 0.0123}
    stored = [corrupted(0.9, **sure), corrupted(0.4321, **sure), StoredEvaluation("later", 0, {}, {}, {}, "")]
    (section,) = [one for one in write_card(replace(subject, evaluations=stored)) if one.title == "Where it fails"]
    assert section.text == (
        "Of 2,000 validation images, each changed in 20 ways at 3 strengths, it reads 94.12 % right. "
        "It is sure of 81.25 % of its answers; of these 1.23 % are wrong. "
        "Run run-of-it holds all sixty figures and a picture. The worst:"
    )
    assert section.rows[0] == ["strike through: struck through", "95.00", "95.00", "43.21"]
    assert 3 <= len(section.rows) < len(CORRUPTIONS)
    (section,) = [one for one in write_card(replace(subject, evaluations=stored[:1])) if one.title == "Where it fails"]
    assert section.rows[0][-1] == "90.00"


def test_nothing_is_told_of_corruptions_that_nobody_scored(subject: Subject) -> None:
    damaged = StoredEvaluation("run", 0, {"val_accuracy_blur_1": 0.5}, {}, {KIND: CORRUPTED}, "")
    for stored in ([], [damaged]):
        assert "Where it fails" not in as_markdown("t", write_card(replace(subject, evaluations=stored)))


def test_it_says_where_it_came_from_and_how_to_have_it_again(subject: Subject) -> None:
    text = as_markdown("a title", write_card(subject))
    assert text.startswith("# a title\n")
    assert "commit 0123, work tree changed: its run holds the differences" in text
    assert "    mlflow run . -e reproduce --env-manager local -P run=run\n" in text
    assert "    mlflow run . -e knn --env-manager local -P data=mnist -P seed=1 -P n_neighbors=4\n" in text
    assert "| dataset_digest" in text
    assert '    mlflow.set_tracking_uri("sqlite:////mine.db")\n' in text
    assert '    model = mlflow.pyfunc.load_model("models:/mine@champion")\n' in text
    assert "## Limits and intended use" in text


def test_an_ensemble_is_typed_as_it_was_logged(subject: Subject) -> None:
    candidate = replace(subject.candidate, algorithm="ensemble", params={"data": "mnist", "members": "8"})
    text = as_markdown("a title", write_card(replace(subject, candidate=candidate)))
    assert "    mlflow run . -e ensemble --env-manager local -P data=mnist -P members=8\n" in text


def test_what_a_section_has_not_is_left_out() -> None:
    assert as_markdown("t", [Section("empty")]) == "# t\n\n## empty\n"


def test_what_a_registry_cannot_keep_is_left_out_the_least_needed_first(subject: Subject) -> None:
    sections = write_card(subject)
    whole = as_markdown("t", sections).removeprefix("# ")
    assert shortened("t", sections, "all of it is there") == whole + "\nall of it is there\n"
    many = replace(subject, candidate=replace(subject.candidate, params={f"p{i}": "x" * 60 for i in range(99)}))
    short = shortened("t", write_card(many), "all of it is there")
    assert len(short) <= LONGEST
    assert "## Parameters" not in short
    assert "## Figures" in short
    long = shortened("t", [Section("endless", "x" * 9_000)], "all of it is there")
    assert len(long) <= LONGEST
    assert long.endswith("all of it is there\n")


def test_limits_and_commands_stay_in_the_registry_however_often_a_model_was_evaluated(subject: Subject) -> None:
    of_corruptions = {METRIC.format(*way): 0.9 for way in product(CORRUPTIONS, STRENGTHS)} | {MEAN: 0.9}
    shares = product((ACCURACY, COVERAGE, SELECTIVE_ERROR), ("", "_low", "_high"))
    examined = StoredEvaluation("b" * 32, 0, {name + end: 0.9 for name, end in shares}, {}, {KIND: EXAMINATION}, "")
    evaluations = [StoredEvaluation("a" * 32, 0, of_corruptions, {}, {KIND: CORRUPTED}, ""), *[examined] * 9]
    known = replace(subject, decision={f"topic {i}": "x" * 100 for i in range(5)}, evaluations=evaluations)
    short = short_card("mine", known, "a-run", "3")
    assert len(short) <= LONGEST
    for title in ("Figures", "Where it fails", "Examinations", "Limits and intended use", "Load it", "Reproduce it"):
        assert f"## {title}" in short
    assert "of [run a-run](#/experiments/3/runs/a-run);" in short.splitlines()[-1]
    assert (
        short.splitlines()[0]
        == "mine: knn. It reads 99.00 % of the validation images and 99.00 % of the test images right."
    )


def test_it_says_of_how_many_answers_it_is_sure(subject: Subject) -> None:
    assert "When it is sure" not in as_markdown("t", write_card(subject))  # an earlier run promised nothing
    promised = np.tile([0.001, 0.002, 0.02, 0.5, np.inf], 200)
    promised[0] = 0.01  # the first of the ten zeros that are misread; each other one promises 0.001
    sure = replace(subject, answers=subject.answers._replace(promised=promised))
    assert rows(sure, "When it is sure") == {
        "0.001": ["19.90", "4.52"],
        "0.003": ["39.90", "2.26"],
        "0.01": ["40.00", "2.50"],
        "0.03": ["60.00", "1.67"],
        "0.1": ["60.00", "1.67"],
    }
    unsure = replace(subject, answers=subject.answers._replace(promised=np.full(1_000, 0.02)))
    assert rows(unsure, "When it is sure")["0.01"] == ["0.00", ""]
