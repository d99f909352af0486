"""Simulated models, of which the test says which images they read right; as entries, and as runs of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import mlflow
import numpy as np
import numpy.typing as npt
from mlflow.entities import LoggedModelOutput, Metric, Param, RunTag

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.metrics import prefixed, score
from mnist_mlflow.selection.entry import Correct, Entry
from mnist_mlflow.selection.evidence import Evidence
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.results import write_probabilities
from mnist_mlflow.types import Labels, Part, Probabilities

Client: TypeAlias = mlflow.MlflowClient
Right: TypeAlias = npt.NDArray[np.bool_]  # (images,)
DIGESTS = {"dataset_digest": "d", "split_digest": "s"}


def labels_of(images: int) -> Labels:
    """The digits by turns."""
    return (np.arange(images) % 10).astype(np.uint8)


class SimulatedEvidence(Evidence):
    """The evidence of entries, without files or models: milliseconds and failures by run, unread files."""

    def __init__(
        self,
        entries: Sequence[Entry],
        ms: Mapping[str, float] = {},
        broken: Mapping[str, str] = {},
        unreadable: Sequence[str] = (),
    ) -> None:
        super().__init__(Part(np.zeros((0, 28, 28), np.uint8), labels_of(0)))
        self.correct = {entry.candidate.run_id: entry.correct for entry in entries}
        self.ms, self.broken, self.unreadable = ms, broken, unreadable
        self.read: list[str] = []

    def read_ahead(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        return iter(candidates)

    def stored(self, candidate: Candidate) -> Correct:
        self.read.append(candidate.run_id)
        if candidate.run_id in self.unreadable:
            raise UserFacingError("its file is damaged")
        return self.correct[candidate.run_id]

    def predicted(self, candidate: Candidate) -> Correct:
        if candidate.run_id in self.broken:
            raise UserFacingError(self.broken[candidate.run_id])
        return self.correct[candidate.run_id]

    def with_latency(self, entries: Sequence[Entry]) -> list[Entry]:
        return [
            replace(entry, excluded=self.broken[entry.candidate.run_id])
            if entry.candidate.run_id in self.broken
            else replace(entry, ms_per_image=self.ms.get(entry.candidate.run_id, 0.1))
            for entry in entries
        ]


def entry(name: str, right: Right, **metrics: float) -> Entry:
    """An entry whose run is called so, and its algorithm too."""
    logged = {"val_accuracy": float(right.mean()), "val_log_loss": 0.1, "model_mb": 1.0, **metrics}
    return Entry(Candidate(name, "m", name, logged), right[None])


def reads(labels: Labels, right: Right, confidence: float = 0.9) -> Probabilities:
    """The probabilities of a model that reads these images right, and each other one as the next digit."""
    rows = np.full((len(labels), 10), (1 - confidence) / 9)
    rows[np.arange(len(labels)), np.where(right, labels, (labels + 1) % 10)] = confidence
    return rows


def add_run(client: Client, accuracy: float, log_loss: float = 0.1, experiment: str = "0", **changed: str) -> str:
    """A run as training leaves it, but for what is changed, without probabilities; returns its id."""
    metrics = {"val_accuracy": accuracy, "val_log_loss": log_loss, "train_loss": 0.2, "epoch_val_loss": 0.3}
    return _add(client, metrics, experiment, changed)


def add_model(client: Client, labels: Labels, right: Right, megabytes: float = 1.0, **changed: str) -> Candidate:
    """A run with the probabilities of its model on the validation images."""
    probabilities = reads(labels, right)
    metrics = prefixed("val", score(labels, probabilities)) | {"model_mb": megabytes, "fit_seconds": 1.0}
    run_id = _add(client, metrics, "0", changed, probabilities, labels)
    model_id = client.get_run(run_id).outputs.model_outputs[0].model_id
    return as_candidate(client.get_run(run_id), model_id)


def _add(
    client: Client,
    metrics: dict[str, float],
    experiment: str,
    changed: dict[str, str],
    probabilities: Probabilities | None = None,
    labels: Labels | None = None,
) -> str:
    status = changed.pop("status", "FINISHED")
    tags = {"role": "model", "algorithm": "knn", **DIGESTS} | changed
    run_id: str = client.create_run(experiment).info.run_id
    model = client.create_logged_model(
        experiment, source_run_id=run_id, tags={key: tags[key] for key in ("algorithm", *DIGESTS) if key in tags}
    )
    client.finalize_logged_model(model.model_id, "READY")
    client.log_batch(
        run_id,
        [Metric(key, value, 0, 0, model_id=model.model_id, run_id=run_id) for key, value in metrics.items()],
        [Param("n_neighbors", "4"), Param("split_seed", "0")],
        [RunTag(key, value) for key, value in tags.items()],
    )
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    if probabilities is not None and labels is not None:
        with TemporaryDirectory() as folder:
            write_probabilities(Path(folder), "validation", labels, probabilities)
            client.log_artifacts(run_id, folder)
    client.set_terminated(run_id, status)
    return run_id


def right_but(images: int, *wrong: range) -> Right:
    """All images right but those."""
    right = np.ones(images, bool)
    for span in wrong:
        right[list(span)] = False
    return right
