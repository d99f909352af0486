from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection import pool as pool_module
from mnist_mlflow.selection.entry import Entry
from mnist_mlflow.selection.pool import CandidatePool, over_budget
from mnist_mlflow.tracking.candidates import Candidate
from tests.simulated import SimulatedEvidence, entry, right_but

IMAGES = 1_000
ANY = Rule()


def candidate(mistakes: int, **metrics: float) -> Candidate:
    """A candidate named after its mistakes."""
    logged = {"val_accuracy": 1 - mistakes / IMAGES, "val_log_loss": 0.1, **metrics}
    return Candidate(f"{mistakes}", "m", "knn", logged)


def evidence_of(*mistakes: int, unreadable: tuple[str, ...] = ()) -> SimulatedEvidence:
    entries = [entry(f"{number}", right_but(IMAGES, range(number))) for number in mistakes]
    return SimulatedEvidence(entries, unreadable=unreadable)


def pool_of(
    candidates: Iterable[Candidate], evidence: SimulatedEvidence, rule: Rule = ANY, excluded: Mapping[str, str] = {}
) -> CandidatePool:
    return CandidatePool(candidates, evidence, rule, excluded)


def names(entries: Iterable[Entry]) -> list[str]:
    return [one.candidate.run_id for one in entries]


def reasons(pool: CandidatePool) -> dict[str, str]:
    return {one.candidate.run_id: one.excluded for one in pool.excluded}


def test_what_is_clearly_worse_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MOST_SHOWN", 3)
    unread = iter([candidate(mistakes) for mistakes in (5, 9, 200, 300, 400, 500, 600)])
    evidence = evidence_of(5, 9)
    pool = pool_of(unread, evidence)
    assert evidence.read == ["5", "9"]
    assert names(pool.clearly_worse) == ["200", "300", "400"]
    assert [left.run_id for left in unread] == ["500", "600"]
    assert names(pool.entries) == ["5", "9", "200", "300", "400"]
    assert pool.floor == 1 - 400 / IMAGES


def test_whatever_might_share_no_mistake_with_the_best_and_still_be_as_good_is_read() -> None:
    assert names(pool_of(map(candidate, (10, 40, 70)), evidence_of(10, 40, 70)).contenders) == ["10", "40"]


def test_the_most_accurate_is_the_best_whatever_the_order() -> None:
    assert names(pool_of(map(candidate, (40, 10)), evidence_of(10, 40)).contenders) == ["10", "40"]


def test_the_excluded_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = [candidate(4, model_mb=9.0), *(candidate(mistakes, model_mb=1.0) for mistakes in (5, 6)), candidate(7)]
    evidence = evidence_of(5, 6, unreadable=("6",))
    pool = pool_of(candidates, evidence, Rule(max_mb=5), {"5": "it does not load"})
    assert reasons(pool) == {
        "4": "its model_mb 9, over max_mb=5",
        "5": "it does not load",
        "6": "its file is damaged",
        "7": "its model_mb is unknown, over max_mb=5",
    }
    assert pool.excluded[0].exclusion == "knn, run 4: its model_mb 9, over max_mb=5"


def test_no_more_are_compared_than_is_sensible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MOST_COMPARED", 2)
    pool = pool_of(map(candidate, (4, 5, 6, 7)), evidence_of(4, 5, 6))
    assert (names(pool.contenders), pool.floor) == (["4", "5"], 1 - 6 / IMAGES)
    assert reasons(pool) == {"6": "it comes after the 2 that were compared"}
    pool.exclude([replace(pool.contenders[0], excluded="it is slow")])
    assert (names(pool.contenders), list(reasons(pool))) == (["5", "6"], ["4", "7"])


def test_without_the_best_others_are_read_and_the_store_is_not_asked_again() -> None:
    unread = map(candidate, (5, 200, 230))
    evidence = evidence_of(5, 200, 230)
    pool = pool_of(unread, evidence)
    assert (names(pool.contenders), names(pool.clearly_worse)) == (["5"], ["200", "230"])
    pool.exclude([replace(pool.contenders[0], excluded="it does not load")])
    assert (names(pool.contenders), names(pool.clearly_worse)) == (["200", "230"], [])
    assert reasons(pool) == {"5": "it does not load"}
    assert pool.floor == 0


def test_a_budget_is_kept_by_what_is_just_within() -> None:
    assert over_budget(candidate(1, val_ece=0.01), Rule(max_ece=0.01)) == ""
    assert "over max_ece=0.01" in over_budget(candidate(1, val_ece=0.0101), Rule(max_ece=0.01))
    assert "over max_mb=5" in over_budget(candidate(1, model_mb=float("nan")), Rule(max_mb=5))


def test_a_model_that_is_seldom_sure_or_never_said_how_often_is_under_its_budget() -> None:
    rule = Rule(min_coverage=0.95)
    assert over_budget(candidate(1, val_coverage=0.95), rule) == ""
    assert over_budget(candidate(1, val_coverage=0.949), rule) == "its val_coverage 0.949, under min_coverage=0.95"
    assert over_budget(candidate(1), rule) == "its val_coverage is unknown, under min_coverage=0.95"
    assert over_budget(candidate(1), Rule()) == ""
