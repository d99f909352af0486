"""Sides of a comparison: what names stand for, what cannot be compared, and what is read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.tracking.results import write_probabilities
from mnist_mlflow.tracking.sides import MOST, find_sides, read_side
from tests.simulated import add_model, add_run, labels_of, reads, right_but

LABELS = labels_of(50)


def add_seeds(store: Client, *seeds: int, **tags: Any) -> list[str]:
    """A run for each seed, of one configuration."""
    ids = []
    for seed in seeds:
        right = right_but(50, range(seed + 1))
        ids.append(add_model(store, LABELS, right, configuration="c", **tags).run_id)
        store.log_param(ids[-1], "seed", str(seed))
    return ids


def test_runs_of_one_configuration_are_one_side(store: Client) -> None:
    other, seeds = add_run(store, 0.9), add_seeds(store, 0, 1, 2)
    first, second = find_sides(store, [seeds[1], other[:10], seeds[0], seeds[2]])
    assert [run.info.run_id for run in first.runs] == [seeds[1], seeds[0], seeds[2]]
    assert first.label == f"knn {seeds[1][:8]} (3 seeds)"
    assert second.label == f"knn {other[:8]}"
    answers = read_side(first).answers
    assert answers
    assert answers.correct.sum(axis=1).tolist() == [48, 49, 47]


def test_where_only_one_configuration_is_named_its_seeds_are_compared(store: Client) -> None:
    seeds = add_seeds(store, 0, 1)
    assert [side.run_id for side in find_sides(store, seeds)] == seeds


def test_no_seed_counts_twice(store: Client) -> None:
    seeds, other = add_seeds(store, 0, 0, 1), add_run(store, 0.9)
    assert [side.run_id for side in find_sides(store, [*seeds, other])] == [*seeds, other]


def test_a_run_of_seeds_stands_for_those_that_have_finished(store: Client) -> None:
    parent = store.create_run("0", tags={"role": "seeds", "algorithm": "knn"}).info.run_id
    other = add_run(store, 0.9)
    with pytest.raises(UserFacingError, match=f"No seed of the run {parent} has finished"):
        find_sides(store, [parent, other])
    seeds = add_seeds(store, 0, 1, **{"mlflow.parentRunId": parent})
    add_run(store, 0.5, status="FAILED", **{"mlflow.parentRunId": parent})
    side, _ = find_sides(store, [parent, other])
    assert sorted(run.info.run_id for run in side.runs) == sorted(seeds)
    assert side.label == f"knn {parent[:8]} (2 seeds)"
    with pytest.raises(UsageError, match=f"The run {seeds[0]} is named twice"):
        find_sides(store, [parent, seeds[0]])


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"status": "RUNNING"}, r"is still running\. Wait, or if its process is gone, type: python -m mnist_mlflow doctor"),
    (
        {"status": "FAILED", "failure": "disk full", "command": "mlflow run ."},
        r"\(disk full\)\. Run it again: mlflow run",
    ),
    ({"status": "KILLED"}, r"is KILLED and left no model \(no reason given\)\. Run it again\."),
    ({"role": "selection"}, r"is a selection\. Only runs that trained a model can be compared"),
    ({"role": ""}, "was made by another program"),
    (
        {"role": "trial", "mlflow.parentRunId": "abc"},
        r"is a trial and keeps no model\. Compare its search instead: .* abc",
    ),
]


def test_a_run_without_a_finished_model_is_refused_with_what_can_be_done(store: Client) -> None:
    good = add_run(store, 0.9)
    for tags, message in REFUSED:
        bad = add_run(store, 0.9, **tags)
        with pytest.raises(UserFacingError, match=message) as refused:
            find_sides(store, [good, bad])
        assert bad in str(refused.value)


def test_partial_models_and_reproductions_can_be_compared(store: Client) -> None:
    runs = [add_run(store, 0.9, status="KILLED", partial="1"), add_run(store, 0.9, role="reproduction")]
    assert [side.run_id for side in find_sides(store, runs)] == runs


def test_two_to_eight_sides_are_wanted(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [add_run(store, 0.9) for _ in range(4)]
    assert MOST == 8
    monkeypatch.setattr("mnist_mlflow.tracking.sides.MOST", 3)
    with pytest.raises(UsageError, match=r"names no run\. Name two to eight"):
        find_sides(store, [])
    for names in (runs[:1], runs):
        with pytest.raises(UsageError, match=rf"Two to eight runs can be compared; .* names {len(names)}, where"):
            find_sides(store, names)
    assert len(find_sides(store, runs[:3])) == 3


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
