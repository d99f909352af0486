"""Sides of a comparison, as their runs have recorded them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mlflow import MlflowClient as Client

from mnist_mlflow.tracking.named_sides import find_sides
from mnist_mlflow.tracking.results import write_probabilities
from mnist_mlflow.tracking.sides import read_side
from tests.simulated import add_run, reads, right_but
from tests.tracking.test_named_sides import LABELS, add_seeds


def lose(store: Client, run_id: str, folder: Path) -> None:
    (Path(store.get_run(run_id).info.artifact_uri) / "validation_probabilities.npz").unlink()


def damage(store: Client, run_id: str, folder: Path) -> None:
    probabilities = reads(LABELS, right_but(50))
    probabilities[3, 3] = np.nan
    write_probabilities(folder, "validation", LABELS, probabilities)
    store.log_artifacts(run_id, str(folder))


def contradict(store: Client, run_id: str, folder: Path) -> None:
    write_probabilities(folder, "validation", LABELS, reads(LABELS, right_but(50, range(30))))
    store.log_artifacts(run_id, str(folder))


SPOILT: list[tuple[Callable[[Client, str, Path], None], str]] = [
    (lose, "has no validation_probabilities.npz that can be read"),
    (damage, "has numbers that are no probabilities"),
    (contradict, r"another accuracy \(0.4000\) than was logged"),
]


def test_a_seed_whose_answers_cannot_be_used_is_left_out_and_named(store: Client, tmp_path: Path) -> None:
    (tmp_path / "spoiled").mkdir()
    other, seeds = add_run(store, 0.9), add_seeds(store, 0, 1, 2, 3)
    for (spoil, _), run_id in zip(SPOILT, seeds, strict=False):
        spoil(store, run_id, tmp_path / "spoiled")
    group, without = map(read_side, find_sides(store, [*seeds, other]))
    assert group.answers
    assert group.answers.correct.sum(axis=1).tolist() == [46]
    notes = [note for note in group.gone if "reads right is unknown" in note]
    for note, run_id, (_, reason) in zip(notes, seeds, SPOILT, strict=False):
        assert run_id[:8] in note
        assert re.search(reason, note)
    assert len(notes) == 3
    assert without.answers is None


def test_what_a_run_has_not_recorded_is_named(store: Client) -> None:
    side, _ = find_sides(store, [add_run(store, 0.9), add_run(store, 0.8)])
    notes = read_side(side).gone
    assert f"{side.label}: nothing is recorded of its libraries." in notes
    assert f"{side.label}: nothing is recorded of its machine." in notes


TABLES = ["", "a,b\n1,2\n", "trial,state,tuning_log_loss,tuning_accuracy\n0,complete,x,1\n"]


def test_trials_that_cannot_be_read_are_named(store: Client, tmp_path: Path) -> None:
    runs = [add_run(store, 0.9, study="s") for _ in range(2)]
    for content in TABLES:
        (tmp_path / "trials.csv").write_text(content)
        store.log_artifact(runs[0], str(tmp_path / "trials.csv"), "search")
        side = read_side(find_sides(store, runs)[0])
        assert side.trials is None
        assert f"{side.label}: its trials are unknown: " in side.gone[-1]
