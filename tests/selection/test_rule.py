from collections.abc import Mapping, Sequence

import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection import rule as rule_module
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import Choice, apply_rule, shortfall, statistically_tied
from tests.simulated import SimulatedEvidence, entry, right_but

IMAGES = 10_000
BEST = entry("best", right_but(IMAGES, range(50)), model_mb=3)
NEAR = entry("near", right_but(IMAGES, range(10, 65)), model_mb=2)  # shares 40 mistakes with the best
SMALL = entry("small", right_but(IMAGES, range(100, 156)), model_mb=0.1)
POOR = entry("poor", right_but(IMAGES, range(1_000, 1_200)), model_mb=0.01)
TWIN = entry("twin", right_but(IMAGES, range(200, 250)))  # as accurate as the best
ALL = [BEST, NEAR, SMALL, POOR]
MS = {"best": 0.3, "near": 0.1, "small": 0.2, "poor": 0.01, "twin": 0.1}
DOES_NOT_LOAD = {"best": "it does not load"}


def evidence_of(
    entries: Sequence[Entry] = ALL, ms: Mapping[str, float] = MS, broken: Mapping[str, str] = {}
) -> SimulatedEvidence:
    return SimulatedEvidence(entries, ms, broken)


def among(entries: Sequence[Entry], rule: Rule, broken: Mapping[str, str] = {}) -> Choice:
    candidates = [one.candidate for one in entries]
    return apply_rule(CandidatePool(candidates, evidence_of(entries, broken=broken), rule, {}))


def winner(choice: Choice) -> str:
    return choice.winner.candidate.run_id


def names(entries: Sequence[Entry]) -> list[str]:
    return [one.candidate.run_id for one in entries]


@pytest.mark.parametrize(("prefer", "preferred"), [("accuracy", "best"), ("latency", "near"), ("size", "small")])
def test_the_preference_decides_among_those_that_are_as_good(prefer: str, preferred: str) -> None:
    choice = among(ALL, Rule(prefer))
    assert winner(choice) == preferred
    assert names(choice.finalists) == ["best", "near", "small"]
    assert names(choice.taking_part) == ["best", "near", "small", "poor"]
    assert names(choice.contenders) == ["best", "near", "small"]


def test_of_equally_accurate_models_the_faster_is_chosen() -> None:
    assert winner(among([BEST, TWIN], Rule())) == "twin"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(max_mb=2), "near"),
        (Rule(max_mb=1), "small"),
        (Rule(max_ms_per_image=0.25), "near"),
        (Rule(max_ms_per_image=0.05), "poor"),  # then it is the best of those that may
        (Rule("size", max_ms_per_image=0.15), "near"),
    ],
)
def test_the_budgets_are_kept(rule: Rule, expected: str) -> None:
    assert winner(among(ALL, rule)) == expected


def test_the_excluded_are_named_with_the_reason() -> None:
    assert [one.exclusion for one in among(ALL, Rule(max_ms_per_image=0.25)).excluded] == [
        "best, run best: it takes 0.3 ms/image here, over max_ms_per_image=0.25"
    ]


def test_a_model_that_does_not_load_leaves_its_place_to_the_next() -> None:
    choice = among(ALL, Rule(), DOES_NOT_LOAD)
    assert winner(choice) == "near"
    assert [one.exclusion for one in choice.excluded] == ["best, run best: it does not load"]


def test_where_all_are_over_the_budget_nobody_wins() -> None:
    nobody = r"None of the 4 runs can become champion; nothing was changed\.\n"
    with pytest.raises(UserFacingError, match=rf"{nobody}.*max_mb=0.001"):
        among(ALL, Rule(max_mb=0.001))
    with pytest.raises(UserFacingError, match=rf"{nobody}  best, run best: it takes 0.3 ms"):
        among(ALL, Rule(max_ms_per_image=0.001))


def test_not_all_the_models_of_a_large_store_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_module, "MOST_FINALISTS", 2)
    assert len(among(ALL, Rule()).finalists) == 2


def test_those_that_were_measured_are_counted_without_others_that_are_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_module, "MOST_FINALISTS", 1)
    monkeypatch.setattr(rule_module, "MOST_FAILURES", 2)
    with pytest.raises(UserFacingError) as caught:
        among(ALL, Rule(max_mb=2.5, max_ms_per_image=0.001))  # the best is too large, and is not measured
    first, *reasons = str(caught.value).splitlines()
    assert first == "None of the 2 runs that were measured can become champion; nothing was changed."
    assert [reason.split()[0] for reason in reasons] == ["near,", "small,"]


@pytest.mark.parametrize(("prefer", "preferred"), [("accuracy", "best"), ("latency", "near"), ("size", "small")])
def test_the_preferred_is_among_those_that_are_measured(
    prefer: str, preferred: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_module, "MOST_FINALISTS", 1)
    logged = {"best": 0.4, "near": 0.2, "small": 0.3}
    for one in (BEST, NEAR, SMALL):
        monkeypatch.setitem(one.candidate.metrics, "predict_ms_per_image", logged[one.candidate.run_id])
    choice = among([BEST, NEAR, SMALL], Rule(prefer))
    assert winner(choice) == preferred
    assert (len(statistically_tied(choice.contenders)), len(choice.finalists)) == (3, 1)


@pytest.mark.parametrize(("ms", "expected"), [(0.28, "best"), (0.26, "twin")])
def test_to_count_as_faster_than_the_champion_takes_a_tenth(ms: float, expected: str) -> None:
    evidence = evidence_of([BEST, TWIN], {"best": 0.3, "twin": ms})
    candidates = [BEST.candidate, TWIN.candidate]
    assert winner(apply_rule(CandidatePool(candidates, evidence, Rule(), {}), "best")) == expected
    assert winner(apply_rule(CandidatePool(candidates, evidence, Rule(), {}))) == "twin"


def test_a_challenger_that_is_significantly_worse_is_told_so() -> None:
    reason = shortfall(POOR, BEST, Rule("latency"), evidence_of())
    assert "significantly worse than the champion: -1.50 points (-1." in reason


def test_a_challenger_that_is_hardly_faster_is_told_so() -> None:
    evidence = evidence_of(ms={"small": 0.063, "best": 0.069})
    reason = shortfall(SMALL, BEST, Rule("latency"), evidence)
    assert reason.endswith("is the better: small is less than a tenth faster: 0.063 against 0.069 ms/image")


def test_a_challenger_that_is_as_good_wins_by_the_rule() -> None:
    assert shortfall(NEAR, BEST, Rule("latency"), evidence_of()) == ""
    assert "by prefer=accuracy the champion is the better" in shortfall(NEAR, BEST, Rule(), evidence_of())


def test_a_champion_over_the_budget_or_broken_loses() -> None:
    assert shortfall(SMALL, BEST, Rule(max_mb=1), evidence_of()) == ""
    assert shortfall(SMALL, BEST, Rule(max_ms_per_image=0.25), evidence_of()) == ""
    assert shortfall(POOR, BEST, Rule(), evidence_of(broken=DOES_NOT_LOAD)) == ""


def test_a_significantly_worse_champion_loses_even_if_it_is_cheaper() -> None:
    assert shortfall(BEST, POOR, Rule("size"), evidence_of()) == ""


@pytest.mark.parametrize("rule", [Rule(), Rule(max_mb=1)])  # of which the champion breaks the second
def test_a_challenger_that_fails_when_measured_again_does_not_win(rule: Rule) -> None:
    reason = shortfall(SMALL, NEAR, rule, evidence_of(broken={"small": "it does not load"}))
    assert reason == "measured again beside the champion, it fails: it does not load"
    slow = Rule(max_mb=rule.max_mb, max_ms_per_image=0.15)
    assert "it fails: it takes 0.2 ms/image here" in shortfall(SMALL, NEAR, slow, evidence_of())
