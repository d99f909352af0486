import numpy as np
import pytest

from mnist_mlflow.evaluation.significance import holm, mcnemar
from mnist_mlflow.selection.entry import Comparison, Entry, compare_with_best
from tests.simulated import entry, right_but

IMAGES = 1_000


def with_mistakes(mistakes: int, start: int = 0) -> Entry:
    return entry(f"run-{mistakes}", right_but(IMAGES, range(start, start + mistakes)))


def comparisons(*entries: Entry) -> list[Comparison]:
    return [one.comparison for one in compare_with_best(entries) if one.comparison]


def test_the_first_is_the_best_and_the_others_are_compared_with_it() -> None:
    entries = [with_mistakes(10), with_mistakes(12, 100), with_mistakes(60, 300)]
    best, near, far = comparisons(*entries)
    assert (best.p_value, best.difference, best.is_worse) == (1, (0, 0, 0), False)
    p_values = [mcnemar(entries[0].correct[0], other.correct[0]) for other in entries[1:]]
    assert [near.p_value, far.p_value] == holm(p_values)
    assert (near.is_worse, far.is_worse) == (False, True)
    assert near.difference[0] == pytest.approx(-0.002)
    assert near.interval[0] < entries[1].accuracy < near.interval[1]


def test_many_comparisons_make_it_harder_to_be_called_worse() -> None:
    close = with_mistakes(22, 100)
    assert comparisons(with_mistakes(8), close)[1].is_worse
    assert not comparisons(with_mistakes(8), close, *[with_mistakes(9)] * 30)[1].is_worse


def test_two_equally_good_models_are_seldom_told_apart() -> None:
    random = np.random.default_rng(0)
    called_worse = 0
    for _ in range(200):
        hard = random.random(10_000) < 0.02
        pair = [entry("r", ~(hard & (random.random(10_000) < 0.5))) for _ in range(2)]
        called_worse += comparisons(*sorted(pair, key=lambda one: one.mistakes))[1].is_worse
    assert called_worse <= 20  # of 200, where 5 % are 10
