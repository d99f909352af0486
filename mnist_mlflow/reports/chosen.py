"""Versions that `select` chose, as the store knows them now: the subject of a card, and the card written again."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from mnist_mlflow.errors import UserFacingError, one_line
from mnist_mlflow.reports.card import Subject, short_card
from mnist_mlflow.reports.sections import Section
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.evaluations import find_evaluations
from mnist_mlflow.tracking.permissions import may_write
from mnist_mlflow.tracking.queries import RUN_ID, count_openings
from mnist_mlflow.tracking.registry import Registry, Version
from mnist_mlflow.tracking.results import KeptAnswers, read_file, read_kept
from mnist_mlflow.tracking.signatures import read_signatures
from mnist_mlflow.tracking.store import store_uri
from mnist_mlflow.tracking.versions import SELECTED_BY, numbers
from mnist_mlflow.types import CLASSES

NOTHING_KEPT = KeptAnswers(np.empty(0, np.uint8), np.empty((0, CLASSES)))
FIGURE = re.compile("test_|ms_per_image$")  # among the tags of a version
_logger = logging.getLogger(__name__)

Content = TypeVar("Content")


class Gone:
    """Sources of a card or a page that are gone or damaged: it is written without them, and says so."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def unless(self, read: Callable[[], Content], otherwise: Content) -> Content:
        """The content that is read, or something else if its source is gone or damaged."""
        try:
            return read()
        except (UserFacingError, ValueError, LookupError, TypeError, AttributeError) as error:
            self.reasons.append(one_line(error))
            return otherwise

    def sections(self) -> list[Section]:
        """A section about them, if there are any."""
        rows = [[reason] for reason in self.reasons]
        return [Section("What is gone", "These are gone or damaged:", rows=rows, head=("",))] if rows else []


def read_subject(registry: Registry, version: Version, selection: str, gone: Gone) -> Subject:
    """The subject of the card of a version; `selection` is where the files of the run are that chose it.

    Raises UserFacingError for a version that `select` did not choose.
    """
    figures = numbers(version.tags, FIGURE)
    if not version.tags.get(SELECTED_BY) or "ms_per_image" not in figures:
        raise UserFacingError(
            f"Version {version.version} of {registry.name} was not chosen by `select`: nothing is known of it."
        )
    candidate = registry.candidate(version)
    decision: dict[str, str] = gone.unless(lambda: _read_sentences(selection), {})
    answers = gone.unless(lambda: read_kept(candidate.artifacts, "validation"), NOTHING_KEPT)
    ms_per_image = figures.pop("ms_per_image")
    figures |= _openings(registry, candidate)
    evaluations = find_evaluations(registry.client, candidate.run_id)
    signed = read_signatures(version.tags)
    about = registry.uri(CHAMPION), store_uri(), answers, decision, ms_per_image, figures, signed, evaluations
    return Subject(candidate, *about)


def refresh_cards(registry: Registry, model_run: str) -> None:
    """Write the cards of those versions again that are the model of a run, with all that was scored since.

    A card stays as it is where its sources are gone, or the account may only read it. A warning says so.
    """
    if not model_run:
        return
    try:
        for version in registry.versions():
            if version.run_id == model_run and SELECTED_BY in version.tags:
                _refresh_card(registry, version)
    except Exception as error:  # whatever it is: the scores are in the store already, and `report` finds them there
        _logger.warning("The card of %s stays as it is: %s", registry.name, one_line(error))


def _refresh_card(registry: Registry, version: Version) -> None:
    selection_run, gone = version.tags[SELECTED_BY], Gone()
    selection = gone.unless(lambda: registry.artifacts(selection_run), "")
    subject = read_subject(registry, version, selection, gone)
    if gone.reasons:
        raise UserFacingError("; ".join(gone.reasons))
    place = str(registry.client.get_run(selection_run).info.experiment_id)
    card = short_card(registry.name, subject, selection_run, place)
    if not may_write(lambda: registry.describe(str(version.version), card)):
        raise UserFacingError("your account may only read it.")


def _openings(registry: Registry, candidate: Candidate) -> dict[str, float]:
    """The openings of the test images so far, in place of those when it was selected."""
    digest = candidate.tags.get("split_digest", "")
    return {"test_openings": count_openings(registry.client, digest)} if RUN_ID.fullmatch(digest) else {}


def _read_sentences(selection: str) -> dict[str, str]:
    """The sentences of a selection, which anybody may have changed since."""
    stored = json.loads(read_file(selection, "decision.json"))["sentences"]
    return {str(name): str(sentence) for name, sentence in stored.items()}
