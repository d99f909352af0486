from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection import rule as deciding
from mnist_mlflow.selection.pool import Contender, Field, gather
from mnist_mlflow.selection.rule import Measure, beats, choose
from mnist_mlflow.tracking.candidates import Candidate
from tests.simulated import right_but

IMAGES = 10_000


def contender(name: str, *wrong: range, megabytes: float = 1.0, ece: float = 0.01) -> Contender:
    right = right_but(IMAGES, *wrong)
    metrics = {"val_accuracy": float(right.mean()), "val_log_loss": 0.1, "model_mb": megabytes, "val_ece": ece}
    return Contender(Candidate(name, "m", name, metrics), right)


BEST = contender("best", range(50), megabytes=3)
NEAR = contender("near", range(10, 65), megabytes=2)  # shares 40 mistakes with the best
SMALL = contender("small", range(100, 156), megabytes=0.1)
POOR = contender("poor", range(1_000, 1_200), megabytes=0.01)
ALL = [BEST, NEAR, SMALL, POOR]
MS = {"best": 0.3, "near": 0.1, "small": 0.2, "poor": 0.01}


def measures(broken: Mapping[str, str] = {}) -> Measure:
    def measure(candidates: Sequence[Candidate]) -> tuple[dict[str, float], dict[str, str]]:
        asked = [candidate.run_id for candidate in candidates]
        return {name: MS[name] for name in asked if name not in broken}, {
            name: broken[name] for name in asked if name in broken
        }

    return measure


def among(contenders: Sequence[Contender], rule: Rule, measure: Measure | None = None) -> deciding.Choice:
    known = {found.candidate.run_id: found for found in contenders}

    def find(excluded: Mapping[str, str]) -> Field:
        return gather((found.candidate for found in contenders), rule, lambda asked: known[asked.run_id], excluded)

    return choose(find, rule, measure or measures())


@pytest.mark.parametrize(("prefer", "winner"), [("accuracy", "best"), ("latency", "near"), ("size", "small")])
def test_what_is_preferred_decides_among_those_that_are_as_good(prefer: str, winner: str) -> None:
    choice = among(ALL, Rule(prefer))
    assert choice.winner.candidate.run_id == winner
    assert [finalist.candidate.run_id for finalist in choice.finalists] == ["best", "near", "small"]
    assert [behind.run_id for behind in choice.field.behind] == ["poor"]


def test_of_equally_accurate_models_the_faster_is_chosen() -> None:
    twin = contender("near", range(200, 250))
    assert among([BEST, twin], Rule()).winner.candidate.run_id == "near"


@pytest.mark.parametrize(
    ("rule", "winner"),
    [
        (Rule(max_mb=2), "near"),
        (Rule(max_mb=1), "small"),
        (Rule(max_ms_per_image=0.25), "near"),
        (Rule(max_ms_per_image=0.05), "poor"),  # then it is the best of those that may
        (Rule("size", max_ms_per_image=0.15), "near"),
    ],
)
def test_the_budgets_are_kept(rule: Rule, winner: str) -> None:
    assert among(ALL, rule).winner.candidate.run_id == winner


def test_who_is_excluded_is_named_with_the_reason() -> None:
    left_out = among(ALL, Rule(max_ms_per_image=0.25)).field.left_out
    assert {run_id: reason for run_id, (_, reason) in left_out.items()} == {
        "best": "it takes 0.3 ms an image here, over max_ms_per_image=0.25"
    }


def test_a_model_that_does_not_load_leaves_its_place_to_the_next() -> None:
    choice = among(ALL, Rule(), measures({"best": "it does not load"}))
    assert choice.winner.candidate.run_id == "near"
    assert choice.field.left_out["best"][1] == "it does not load"


def test_where_all_are_over_the_budget_nobody_wins() -> None:
    with pytest.raises(
        UserFacingError, match=r"None of the 4 runs can become champion; nothing was changed\.\n.*max_mb=0.001"
    ):
        among(ALL, Rule(max_mb=0.001))
    with pytest.raises(UserFacingError, match=r"None of the 4 runs .*\n  best, run best: it takes 0.3 ms"):
        among(ALL, Rule(max_ms_per_image=0.001))


def test_not_all_the_models_of_a_large_store_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "MOST_FINALISTS", 2)
    assert len(among(ALL, Rule()).finalists) == 2
    monkeypatch.setattr(deciding, "MOST_MEASURED", 2)
    with pytest.raises(UserFacingError, match="None of the 2 runs"):
        among(ALL, Rule(max_ms_per_image=0.001))


@pytest.mark.parametrize(("prefer", "winner"), [("accuracy", "best"), ("latency", "near"), ("size", "small")])
def test_what_is_preferred_is_among_those_that_are_measured(
    prefer: str, winner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "MOST_FINALISTS", 1)
    logged = {"best": 0.4, "near": 0.2, "small": 0.3}
    for one in (BEST, NEAR, SMALL):
        monkeypatch.setitem(one.candidate.metrics, "predict_ms_per_image", logged[one.candidate.run_id])
    choice = among([BEST, NEAR, SMALL], Rule(prefer))
    assert choice.winner.candidate.run_id == winner
    assert (len(choice.level), len(choice.finalists)) == (3, 1)


@pytest.mark.parametrize(("ms", "winner"), [(0.28, "best"), (0.26, "near")])
def test_who_wants_to_count_as_faster_than_the_champion_has_to_be_so_by_a_tenth(ms: float, winner: str) -> None:
    twin = contender("near", range(200, 250))
    known = {"best": BEST, "near": twin}

    def measure(candidates: Sequence[Candidate]) -> tuple[dict[str, float], dict[str, str]]:
        return {"best": 0.3, "near": ms}, {}

    def find(excluded: Mapping[str, str]) -> Field:
        return gather([BEST.candidate, twin.candidate], Rule(), lambda asked: known[asked.run_id], excluded)

    assert choose(find, Rule(), measure, "best").winner.candidate.run_id == winner
    assert choose(find, Rule(), measure).winner.candidate.run_id == "near"


def test_a_challenger_that_is_significantly_worse_is_told_so() -> None:
    won, reason = beats(POOR, BEST, Rule("latency"), measures())
    assert not won
    assert "significantly worse than the champion: -1.50 points (-1." in reason


def test_a_challenger_that_is_as_good_wins_by_the_rule() -> None:
    assert beats(NEAR, BEST, Rule("latency"), measures()) == (True, "")
    won, reason = beats(NEAR, BEST, Rule(), measures())
    assert not won
    assert "by prefer=accuracy the champion is the better" in reason


def test_a_champion_over_the_budget_or_broken_is_beaten_by_whoever_is_not() -> None:
    assert beats(SMALL, BEST, Rule(max_mb=1), measures())[0]
    assert beats(POOR, BEST, Rule(), measures({"best": "it does not load"}))[0]


def test_two_equally_good_models_are_seldom_told_apart() -> None:
    random = np.random.default_rng(0)
    called = 0
    for _ in range(200):
        hard = random.random(IMAGES) < 0.02
        pair = [Contender(BEST.candidate, ~(hard & (random.random(IMAGES) < 0.5))) for _ in range(2)]
        pair.sort(key=lambda one: one.mistakes)
        called += deciding.stand(pair)[1].is_worse
    assert called <= 20  # of 200, where 5 % are 10
