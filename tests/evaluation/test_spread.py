"""Metrics of several seeds as one."""

import pytest

from mnist_mlflow.evaluation.spread import summarise


def test_the_interval_of_a_share_ends_at_one_and_at_nothing() -> None:
    seeds = [{"val_accuracy": value, "val_log_loss": 10 * value, "val_ece": 1 - value} for value in (0.98, 0.95, 0.99)]
    summary = summarise(seeds)
    assert summary["val_accuracy_high"] == 1
    assert summary["val_ece_low"] == 0
    assert summary["val_log_loss_high"] == pytest.approx(10.25, abs=0.01)
