"""Evidence about models on the validation images: stored by their runs, or predicted by the models."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.latency import BATCH, ms_per_image
from mnist_mlflow.selection.entry import Correct, Entry
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.models import Answer, Load, load_model
from mnist_mlflow.tracking.results import check_accuracy, read_probabilities
from mnist_mlflow.types import Part, Probabilities, Progress, silent

MOST_CHANGED = 3  # images of a batch: machines differ a little
AHEAD = 8  # candidates whose probabilities are fetched at the same time


class Evidence:
    """Correctness of models on the validation images, and their latency on this machine."""

    def __init__(self, validation: Part, progress: Progress = silent, load: Load = load_model) -> None:
        self.validation, self.progress, self.load = validation, progress, load
        self._fetched: dict[str, Future[Correct]] = {}  # by run

    def read_ahead(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """The candidates, each once what the next few have stored is being fetched: a server is waited for less."""
        ahead: deque[Candidate] = deque()
        with ThreadPoolExecutor(AHEAD) as threads:
            for candidate in candidates:
                self._fetched[candidate.run_id] = threads.submit(self._read, candidate)
                ahead.append(candidate)
                if len(ahead) > AHEAD:
                    yield ahead.popleft()
            yield from ahead

    def stored(self, candidate: Candidate) -> Correct:
        """Correctness (1, images) by the probabilities that a run has stored.

        Raises UserFacingError if they are unreadable or contradict the logged accuracy.
        """
        if candidate.run_id not in self._fetched:
            future: Future[Correct] = Future()
            future.set_result(self._read(candidate))
            self._fetched[candidate.run_id] = future
        return self._fetched[candidate.run_id].result()

    def _read(self, candidate: Candidate) -> Correct:
        probabilities = read_probabilities(candidate.artifacts, "validation", self.validation.labels)
        correct = self._correct(probabilities)
        check_accuracy(correct.mean(), candidate.metrics)
        return correct

    def predicted(self, candidate: Candidate) -> Correct:
        """Correctness (1, images) by the model's own predictions; raises UserFacingError if it does not predict."""
        return self._correct(self.load(candidate.model_uri, candidate.location)(self.validation.images))

    def with_latency(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries with the latency of their models, measured side by side from raw pixels on.

        An entry is excluded if its model does not load, or reads images otherwise than `correct` says.
        """
        models: dict[Entry, Answer] = {}
        excluded: dict[Entry, str] = {}
        for number, entry in enumerate(entries, 1):
            try:
                models[entry] = self.check(entry)
            except UserFacingError as error:
                excluded[entry] = str(error)
            self.progress("load the finalists", number, len(entries))
        ms = ms_per_image(models, self.validation.images, self.progress)
        return [
            dataclasses.replace(entry, excluded=excluded[entry])
            if entry in excluded
            else dataclasses.replace(entry, ms_per_image=ms[entry])
            for entry in entries
        ]

    def check(self, entry: Entry) -> Answer:
        """The loaded model of an entry; raises UserFacingError if it reads images otherwise than `correct` says."""
        model = self.load(entry.candidate.model_uri, entry.candidate.location)
        correct = self._correct(model(self.validation.images[:BATCH]))
        images = correct.shape[1]
        if (changed := int((correct[0] != entry.correct[0, :images]).sum())) > MOST_CHANGED:
            raise UserFacingError(f"it reads {changed} of {images} images otherwise than when it was logged")
        return model

    def _correct(self, probabilities: Probabilities) -> Correct:
        """Correctness (1, n) of probabilities (n, 10) for the first n images."""
        correct: Correct = (probabilities.argmax(axis=1) == self.validation.labels[: len(probabilities)])[None]
        return correct
