"""Rank what the store holds, decide, register the champion, and only then open the test images."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_mlflow.data import Dataset, load_dataset
from mnist_mlflow.errors import Failure
from mnist_mlflow.reporting import leaderboard, model_card, write_leaderboard
from mnist_mlflow.scoring import score_on_test
from mnist_mlflow.tracking.candidates import Candidate, find_candidates
from mnist_mlflow.tracking.models import predict
from mnist_mlflow.tracking.registry import CHAMPION_URI, REGISTERED_MODEL, register_champion, tag_version
from mnist_mlflow.tracking.results import as_metrics, dataset_tags, describe_test
from mnist_mlflow.tracking.runs import Run, open_run
from mnist_mlflow.tracking.store import store_uri
from mnist_mlflow.types import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Selection:
    """Who won, as which version of the registered model; all who took part, and why some have no test metrics."""

    champion: Candidate
    version: int
    table: pd.DataFrame
    not_scored: list[str]
    store: str
    registered_model: str = REGISTERED_MODEL
    model_uri: str = CHAMPION_URI


def select(data: str, split_seed: int, progress: Progress) -> Selection:
    """Choose the champion in a run of its own; raises Failure when there is nothing to choose from."""
    with open_run("select", {"role": "selection"}) as run:
        dataset = load_dataset(data, split_seed, progress=progress)
        run.log_params({"data": data, "split_seed": split_seed})
        return select_in(run, dataset, split_seed, progress)


def select_in(run: Run, dataset: Dataset, split_seed: int, progress: Progress) -> Selection:
    """Choose the champion by validation accuracy, register it, then score every candidate on the test images."""
    run.set_tags(dataset_tags(dataset))
    candidates = find_candidates(run.client, dataset.digest, dataset.split_digest)
    if not candidates:
        raise Failure(
            f"There is no finished run on {dataset.name} with split_seed={split_seed} in {store_uri()}. "
            f"Train one first, for example: "
            f"mlflow run . -e knn --env-manager local -P data={dataset.name} -P split_seed={split_seed}"
        )
    champion = _best_that_loads(candidates, dataset)
    version = _register(run, champion, dataset, len(candidates))
    candidates, reasons = _open_test(run, candidates, dataset, progress)
    champion = next(scored for scored in candidates if scored.run_id == champion.run_id)
    tag_version(run.client, version, champion.test_metrics)
    table = leaderboard(candidates)
    with run.files() as folder:
        write_leaderboard(table, folder)
    run.describe(model_card(champion, dataset.name, len(candidates)))
    return Selection(champion, version, table, reasons, store_uri())


def _best_that_loads(candidates: Sequence[Candidate], dataset: Dataset) -> Candidate:
    """The first candidate whose model reads an image: a champion that nobody can load is none."""
    reasons: list[str] = []
    for candidate in candidates:
        try:
            predict(candidate.model_uri, dataset.validation.images[:1])
            return candidate
        except Failure as error:
            reasons.append(str(error))
    raise Failure(f"None of the {len(candidates)} candidates has a model that loads. The best: {reasons[0]}")


def _register(run: Run, champion: Candidate, dataset: Dataset, compared: int) -> int:
    decision = {
        "champion": {"run_id": champion.run_id, "model_id": champion.model_id, "algorithm": champion.algorithm},
        "rule": "best val_accuracy, then val_log_loss",
        "compared": compared,
        **dataset_tags(dataset),
    }
    with run.files() as folder:
        (folder / "decision.json").write_text(json.dumps(decision, indent=2))
    card = model_card(champion, dataset.name, compared)
    origin = {"run_id": champion.run_id, "selection_run_id": run.id, "algorithm": champion.algorithm}
    tags = origin | dataset_tags(dataset) | champion.final_metrics
    version = register_champion(run.client, champion.model_id, champion.run_id, card, tags)
    run.set_tags({"champion_run_id": champion.run_id, "champion_version": version})
    return version


def _open_test(
    run: Run, candidates: Sequence[Candidate], dataset: Dataset, progress: Progress
) -> tuple[list[Candidate], list[str]]:
    """The candidates with their test metrics, and why some have none; what was scored before is not scored again."""
    scored: list[Candidate] = []
    reasons: list[str] = []
    for number, candidate in enumerate(candidates, 1):
        try:
            scored.append(candidate if candidate.test_metrics else _score_on_test(candidate, dataset, run))
        except Failure as error:
            scored.append(candidate)
            reasons.append(str(error))
        progress("score on the test images", number, len(candidates))
    opened = sum(new is not old for new, old in zip(scored, candidates, strict=True))
    run.set_tags({"test_opened_for": f"{opened} of {len(candidates)} candidates, after the decision"})
    if reasons:
        run.set_tags({"not_scored": "; ".join(reasons)})
    return scored, reasons


def _score_on_test(candidate: Candidate, dataset: Dataset, run: Run) -> Candidate:
    metrics = score_on_test(candidate.model_uri, dataset)
    owner = Run(run.client, candidate.run_id)
    owner.log_metrics(as_metrics(owner, metrics, candidate.model_id, describe_test(dataset)))
    return dataclasses.replace(candidate, metrics=candidate.metrics | metrics)
