"""Facts that a version of the registered model tells: its scores, and the candidate that it was registered from."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from mnist_mlflow.tracking.aliases import or_none
from mnist_mlflow.tracking.candidates import Candidate, as_candidate

LOGGED_MODEL = "models:/m-"  # how the source of a version begins
SELECTED_BY = "selection_run_id"  # the tag of a version by which those of this project are told from others
SCORES = "test_metrics"  # the tag with the scores on the test images, in JSON: a tag of its own is two requests
METRIC = re.compile("val_|test_accuracy|test_f1|model_mb$")  # among the tags of a version


def numbers(tags: Mapping[str, str], names: re.Pattern[str]) -> dict[str, float]:
    """The tags, and test scores, whose names begin so, as numbers; without what is none, since anybody may set tags."""
    figures: dict[str, float] = {}
    for name, text in {**_scores(tags), **tags}.items():
        with contextlib.suppress(ValueError, TypeError):
            figures |= {name: float(text)} if names.match(name) else {}
    return figures


def _scores(tags: Mapping[str, str]) -> dict[str, Any]:
    with contextlib.suppress(ValueError, TypeError):
        return dict(json.loads(tags.get(SCORES, "{}")))
    return {}


def score_tags(scores: Mapping[str, float]) -> dict[str, object]:
    """The tags that tell the scores of a version on the test images."""
    accuracy = {key: score for key, score in scores.items() if key == "test_accuracy"}
    return {**accuracy, SCORES: json.dumps(dict(scores))}


def candidate_of(client: MlflowClient, version: ModelVersion) -> Candidate:
    """The candidate that a version was registered from; if its run is gone, by what version and model tell."""
    model_id, tags = f"{version.name}/{version.version}", version.tags
    candidate = or_none(lambda: as_candidate(client.get_run(version.run_id), model_id))
    if candidate is not None:
        return replace(candidate, tags={**tags, **candidate.tags})
    params, model_tags, metrics = _told_by_model(client, version)
    return Candidate(
        run_id=version.run_id or "",
        model_id=model_id,
        algorithm=tags.get("algorithm", ""),
        metrics={**metrics, **numbers(tags, METRIC)},
        params=params,
        tags={**model_tags, **tags},
        end_time=version.creation_timestamp,
    )


def _told_by_model(
    client: MlflowClient, version: ModelVersion
) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """The params, the tags and the metrics of the logged model behind a version; none if it is gone too."""
    if not version.source.startswith(LOGGED_MODEL):
        return {}, {}, {}
    model = or_none(lambda: client.get_logged_model(version.source.removeprefix("models:/")))
    if model is None:
        return {}, {}, {}
    return model.params, model.tags, {one.key: one.value for one in model.metrics or () if METRIC.match(one.key)}
