"""The best trial of a study, comparisons, a table and the note on the run's page."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.protocol import SearchOptions
from mnist_mlflow.search.records import TrialRecord, decode, encode, read_record, signed_losses
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.summary import Summary, differences

SPEC = SearchSpec(Task("knn", {"features": "hog", "components": 70, "weights": "distance"}), "mine", "")
TWO = dataclasses.replace(
    SPEC, task=dataclasses.replace(SPEC.task, search=SearchOptions(timeout=1.0, objective="accuracy,latency"))
)
LOSSES = np.linspace(0.01, 1.0, 200)


def trial(
    neighbours: int, value: float | list[float] | None, state: str = "COMPLETE", shift: float = 0.0, **outcome: Any
) -> FrozenTrial:
    values = value if isinstance(value, list) else None if value is None else [value]
    metrics = {"tuning_log_loss": values[0], "tuning_accuracy": 0.9} if values else {}
    losses = encode((LOSSES + shift).astype(np.float16))
    return create_trial(
        state=TrialState[state],
        values=values if state == "COMPLETE" else None,
        params={"n_neighbors": neighbours},
        distributions={"n_neighbors": IntDistribution(1, 20)},
        user_attrs={"outcome": {"metrics": metrics, "seconds": 1.0, "losses": losses, **outcome}},
        intermediate_values={1: values[0]} if values and len(values) == 1 else {},
    )


TRIALS = (
    trial(8, 0.30),
    trial(3, 0.20, shift=-0.005),
    trial(1, 0.90, "PRUNED"),
    trial(2, None, "FAIL", failure="out of memory"),
    trial(5, 0.25),
)


def summary_of(*trials: FrozenTrial, spec: SearchSpec = SPEC) -> Summary:
    for number, one in enumerate(trials):
        one.number = number
    return Summary(spec, [read_record(one) for one in trials])


def number(record: TrialRecord | None) -> int | None:
    return record.number if record else None


def test_the_best_is_the_smallest_and_the_first_of_equals() -> None:
    assert number(summary_of(*TRIALS).best) == 1
    assert number(summary_of(*TRIALS, trial(4, 0.20)).best) == 1
    assert summary_of().best is None


def test_the_best_of_two_goals_is_the_knee_of_the_front_whichever_way_they_go() -> None:
    trials = [trial(1, [0.5, 5.0]), trial(2, [0.9, 6.0]), trial(3, [0.95, 60.0]), trial(4, [0.4, 50.0])]
    summary = summary_of(*trials, spec=TWO)
    assert number(summary.best) == 1
    assert [record.number for record in summary.front] == [0, 1, 2]


def test_nothing_wins_that_was_not_compared_with_the_defaults() -> None:
    interrupted, failed = trial(8, None, "FAIL", interruption="late"), trial(8, None, "FAIL", failure="memory")
    for default, winner in ((interrupted, None), (failed, 1), (trial(8, 0.30), 1)):
        assert number(summary_of(default, trial(3, 0.20)).winner) == winner


def test_the_default_is_found_by_its_hyperparameters() -> None:
    assert number(summary_of(*TRIALS).default) == 0
    assert summary_of(*TRIALS[1:]).default is None


def test_two_trials_are_compared_image_by_image() -> None:
    log_loss, accuracy = differences(*map(read_record, TRIALS[:2]))
    mean, low, high = log_loss
    assert mean == pytest.approx(-0.005, abs=2e-4)
    assert low == pytest.approx(high, abs=2e-4)  # all images agree
    assert accuracy == (0, 0, 0)


def test_losses_are_kept_as_text_with_the_mistakes_among_them() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [1.0, 0.0], [1.0, 0.0]])
    losses = decode(encode(signed_losses(probabilities, np.array([0, 0, 1, 0], np.uint8))))
    assert losses[:2] == pytest.approx([-np.log(0.9), np.log(0.4)], rel=1e-3)
    assert list(np.signbit(losses)) == [False, True, True, False]  # one that is certain and right is no mistake
    assert np.isfinite(losses).all()


def test_the_table_has_a_row_for_each_trial_that_has_ended() -> None:
    summary = summary_of(*TRIALS, create_trial(state=TrialState.WAITING))
    table = summary.table(summary.records)
    assert list(table["state"]) == ["complete", "complete", "pruned", "fail", "complete"]
    assert list(table["n_neighbors"]) == [8, 3, 1, 2, 5]
    assert set(table["weights"]) == {"distance"}
    assert table["failure"][3] == "out of memory"
    assert table["log_loss"][1] == 0.20


def test_the_note_says_what_was_won() -> None:
    note = summary_of(*TRIALS).note("mlflow run . -P study=mine")
    assert "Study `mine`: 3 trials complete, 1 trial pruned, 1 trial failed." in note
    assert "| log loss | 0.3000 | 0.2000 | -0.0050 (95 %: -0.00" in note
    assert "| `n_neighbors` | 8 | 3 | |" in note
    assert "`weights`" not in note
    assert "mlflow run . -P study=mine" in note


def test_the_note_and_the_sentence_say_when_nothing_was_won() -> None:
    summary = summary_of(TRIALS[0])
    assert summary.sentence == "Nothing was better than the defaults (trial 0)."
    assert summary.sentence in summary.note("")


def test_the_sentence_compares_the_best_with_the_defaults() -> None:
    compared = "Trial 1 is the best, on the tuning slice: log_loss 0.2 against 0.3 of the defaults (trial 0)."
    assert summary_of(*TRIALS).sentence == compared


def test_the_note_says_when_nothing_was_compared() -> None:
    note = summary_of().note("")
    assert "no trial has ended" in note
    assert "defaults, which are kept" in note
