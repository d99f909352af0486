import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.types import Images, Labels, Part, Probabilities, silent
from tests.simulated import Client, Right, add_model, add_run, labels_of, reads, right_but

IMAGES = 200
LABELS = labels_of(IMAGES)
PART = Part(np.zeros((IMAGES, 28, 28), np.uint8), LABELS)
Model = Callable[[Images], Probabilities]


def candidate(name: str) -> Candidate:
    return Candidate(name, name, "knn")


def model(right: Right) -> Model:
    return lambda images: reads(LABELS, right)[: len(images)]


def evidence_of(**models: Model) -> Evidence:
    """Evidence about models by their ids; those of other ids do not load."""

    def load(uri: str, location: str) -> Model:
        if uri.removeprefix("models:/") not in models:
            raise UserFacingError("it does not load")
        return models[uri.removeprefix("models:/")]

    return Evidence(PART, silent, load)


def fails(images: Images) -> Probabilities:
    raise UserFacingError("it does not answer")


def test_what_a_run_has_stored_is_read_once(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    right = right_but(IMAGES, range(7))
    evidence, stored = Evidence(PART), add_model(store, LABELS, right)
    assert np.array_equal(evidence.stored(stored), right[None])
    gone = dataclasses.replace(stored, artifacts="")
    assert np.array_equal(evidence.stored(gone), right[None])


def test_what_the_next_candidates_have_stored_is_fetched_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    several, reading = threading.Barrier(2), "mnist_mlflow.selection.evidence.read_probabilities"

    def read(artifacts: str, part: str, labels: Labels) -> Probabilities:
        several.wait(timeout=60)  # for another reader
        if artifacts == "damaged":
            raise UserFacingError("its file is damaged")
        return reads(LABELS, right_but(IMAGES))

    monkeypatch.setattr(reading, read)
    whole, damaged = (
        Candidate(name, name, "knn", {"val_accuracy": 1.0}, artifacts=name) for name in ("whole", "damaged")
    )
    evidence = Evidence(PART)
    assert list(evidence.read_ahead([whole, damaged])) == [whole, damaged]
    assert evidence.stored(whole).all()
    with pytest.raises(UserFacingError, match="its file is damaged"):
        evidence.stored(damaged)


def test_a_run_without_probabilities_or_of_other_images_cannot_be_read(store: Client) -> None:
    run = store.get_run(add_run(store, 0.9))
    bare = Candidate(run.info.run_id, "m", "knn", run.data.metrics, artifacts=run.info.artifact_uri)
    with pytest.raises(UserFacingError, match=r"no validation_probabilities\.npz that can be read"):
        Evidence(PART).stored(bare)
    other = add_model(store, (LABELS + 1) % 10, right_but(IMAGES))
    with pytest.raises(UserFacingError, match="is about other images"):
        Evidence(PART).stored(other)


def test_an_accuracy_that_its_probabilities_do_not_have_is_not_believed(store: Client) -> None:
    stored = add_model(store, LABELS, right_but(IMAGES, range(50)))
    for accuracy in (0.999, float("nan")):
        boast = dataclasses.replace(stored, metrics={**stored.metrics, "val_accuracy": accuracy})
        with pytest.raises(UserFacingError, match=r"another accuracy \(0\.7500\) than was logged"):
            Evidence(PART).stored(boast)


def test_a_file_of_another_kind_cannot_be_read(store: Client, tmp_path: Path) -> None:
    stored = add_model(store, LABELS, right_but(IMAGES))
    with (tmp_path / "validation_probabilities.npz").open("wb") as file:
        np.save(file, LABELS)
    store.log_artifacts(stored.run_id, str(tmp_path))
    with pytest.raises(UserFacingError, match=r"no validation_probabilities\.npz that can be read"):
        Evidence(PART).stored(stored)


def test_a_model_predicts_what_its_run_does_not_tell() -> None:
    right = right_but(IMAGES, range(5))
    evidence = evidence_of(good=model(right), bad=fails)
    assert np.array_equal(evidence.predicted(candidate("good")), right[None])
    for name, message in (("bad", "does not answer"), ("lost", "does not load")):
        with pytest.raises(UserFacingError, match=message):
            evidence.predicted(candidate(name))


def test_models_that_do_not_load_or_answer_are_excluded_and_the_others_are_measured() -> None:
    right = right_but(IMAGES)
    names = ("good", "bad", "lost", "fine")
    evidence = evidence_of(good=model(right), bad=fails, fine=model(right))
    measured = evidence.with_latency([Entry(candidate(name), right[None]) for name in names])
    assert [entry.candidate.run_id for entry in measured] == list(names)
    assert [entry.excluded for entry in measured] == ["", "it does not answer", "it does not load", ""]
    assert [entry.is_measured for entry in measured] == [True, False, False, True]
    assert all(entry.ms_per_image > 0 for entry in measured if entry.is_measured)


def test_a_model_may_differ_a_little_from_what_was_logged() -> None:
    logged = right_but(IMAGES, range(7))[None]
    evidence = evidence_of(near=model(right_but(IMAGES, range(10))), far=model(right_but(IMAGES, range(11))))
    near, far = evidence.with_latency([Entry(candidate("near"), logged), Entry(candidate("far"), logged)])
    assert near.excluded == ""
    assert far.excluded == "it reads 4 of 200 images otherwise than when it was logged"


def test_probabilities_of_the_wrong_shape_are_refused(store: Client, tmp_path: Path) -> None:
    model = add_model(store, LABELS, right_but(IMAGES))
    np.savez(tmp_path / "validation_probabilities.npz", labels=LABELS, probabilities=np.ones((150, 10)))
    store.log_artifacts(model.run_id, str(tmp_path))
    with pytest.raises(UserFacingError, match=r"wrong shape: \(150, 10\) for 200 labels"):
        evidence_of().stored(model)
