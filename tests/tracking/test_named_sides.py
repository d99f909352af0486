"""Sides of a comparison: what names of runs stand for, and what cannot be compared."""

from typing import Any

import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.tracking.named_sides import MOST, find_sides
from mnist_mlflow.tracking.sides import read_side
from tests.simulated import add_model, add_run, labels_of, right_but

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
    with pytest.raises(UserFacingError, match=f"No run that the run {parent} has started has finished"):
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
    made: dict[str, Any] = {"role": "reproduction", "command": "mlflow run ."}
    runs = [add_run(store, 0.9, status="KILLED", partial="1"), add_run(store, 0.9, **made)]
    assert [side.run_id for side in find_sides(store, runs)] == runs


def test_the_record_of_a_reproduction_stands_for_the_run_that_it_made(store: Client) -> None:
    original = add_run(store, 0.9)
    record = store.create_run("0", tags={"role": "reproduction", "reproduces": original}).info.run_id
    child: dict[str, Any] = {"role": "reproduction", "mlflow.parentRunId": record}
    add_run(store, 0.9, reproduces="a member", **child)
    made = add_run(store, 0.9, reproduces=original, **child)
    first, second = find_sides(store, [original, record])
    assert first.run_id == original
    assert [run.info.run_id for run in second.runs] == [made]


def test_two_to_eight_sides_are_wanted(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [add_run(store, 0.9) for _ in range(4)]
    assert MOST == 8
    monkeypatch.setattr("mnist_mlflow.tracking.named_sides.MOST", 3)
    with pytest.raises(UsageError, match=r"names no run\. Name two to eight"):
        find_sides(store, [])
    for names in (runs[:1], runs):
        with pytest.raises(UsageError, match=rf"Two to eight runs can be compared; .* names {len(names)}, where"):
            find_sides(store, names)
    assert len(find_sides(store, runs[:3])) == 3
