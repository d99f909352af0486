"""Runs that differ in nothing but the seed are one entry."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.evaluation.significance import paired_test
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Entry, compare_with_best
from mnist_mlflow.selection.members import different_seeds, median_member
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import apply_rule
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query
from mnist_mlflow.tracking.members import Members
from tests.simulated import SimulatedEvidence, add_run, entry, right_but

Client: TypeAlias = mlflow.MlflowClient
IMAGES = 10_000
DIGEST, OTHER = "0123456789abcdef", "fedcba9876543210"
QUERY = Query("d", "s")
ANY = Rule()


def seed_of(number: int, mistakes: range, log_loss: float, configuration: str = DIGEST, **metrics: float) -> Entry:
    """A run of a seed, named after both."""
    one = entry(f"{configuration[0]}{number}", right_but(IMAGES, mistakes), val_log_loss=log_loss, **metrics)
    tags, params = {"configuration": configuration}, {"seed": f"{number}"}
    return replace(one, candidate=replace(one.candidate, tags=tags, params=params))


SEEDS = [seed_of(0, range(40), 0.02), seed_of(1, range(10, 54), 0.03), seed_of(2, range(5, 53), 0.01)]
LONE = entry("lone", right_but(IMAGES, range(100, 142)))
POOR = [seed_of(0, range(1_000, 1_200), 0.1, OTHER), seed_of(1, range(1_000, 1_210), 0.1, OTHER)]


def pool_of(
    entries: list[Entry],
    evidence: SimulatedEvidence | None = None,
    rule: Rule = ANY,
    taken_back: Mapping[str, str] = {},
) -> CandidatePool:
    by_accuracy = sorted(entries, key=lambda one: one.mistakes)

    def members(candidate: Candidate) -> list[Candidate]:
        return [one.candidate for one in entries if one.candidate.configuration == candidate.configuration]

    candidates = [one.candidate for one in by_accuracy]
    return CandidatePool(candidates, evidence or SimulatedEvidence(entries), rule, taken_back, members)


def ids(one: Entry) -> list[str]:
    return [member.run_id for member in one.members]


def test_the_seeds_of_a_configuration_are_one_entry_whose_median_is_promoted() -> None:
    lone, seeds = pool_of([*SEEDS, LONE]).contenders
    assert (ids(lone), ids(seeds)) == (["lone"], ["00", "01", "02"])  # of the log losses 0.01, 0.02 and 0.03
    assert seeds.mistakes == pytest.approx((40 + 44 + 48) / 3)
    assert seeds.spread == pytest.approx(0.0004)
    assert seeds.accuracy == pytest.approx(1 - seeds.mistakes / IMAGES)
    assert seeds.most_mistakes == 48


@pytest.mark.parametrize("run", ["00", "01", "02"])
def test_no_seed_takes_the_place_of_one_that_was_taken_back(run: str) -> None:
    pool = pool_of([*SEEDS, LONE], taken_back={run: "it was taken back"})
    assert [ids(one) for one in pool.contenders] == [["lone"]]
    reasons = {one.excluded for one in pool.excluded if one.candidate.run_id != run}
    assert reasons == {"with another seed it was taken back"}


def test_groups_are_compared_by_the_test_of_groups() -> None:
    best, lone = (one.comparison for one in compare_with_best(pool_of([*SEEDS, LONE]).contenders))
    assert best
    assert lone
    expected = paired_test(LONE.correct, np.concatenate([one.correct for one in SEEDS]))
    assert lone.difference == (expected.mean, expected.low, expected.high)
    assert lone.p_value == expected.p_value
    assert lone.interval[0] < 1 - 0.0044 < lone.interval[1]


def test_a_later_seed_of_what_has_been_read_is_passed_over() -> None:
    evidence = SimulatedEvidence([*SEEDS, *POOR])
    pool = pool_of([*SEEDS, *POOR], evidence)
    assert sorted(evidence.read) == ["00", "01", "02"]
    assert [ids(one) for one in pool.clearly_worse] == [["f0"]]
    assert pool.skipped == ["01", "02", "f1"]


def test_what_is_clearly_worse_than_the_seeds_but_one_is_read() -> None:
    unlucky = seed_of(1, range(200, 320), 0.03)
    near = entry("near", right_but(IMAGES, range(500, 670)))
    assert [ids(one)[0] for one in pool_of([SEEDS[0], near]).clearly_worse] == ["near"]
    assert [ids(one)[0] for one in pool_of([SEEDS[0], unlucky, near]).clearly_worse] == []


def test_a_seed_that_cannot_be_read_leaves_the_others() -> None:
    pool = pool_of(SEEDS, SimulatedEvidence(SEEDS, unreadable=["00"]))
    (seeds,) = pool.contenders
    assert ids(seeds) == ["01", "02"]  # of two the less lucky
    assert [one.exclusion for one in pool.excluded] == ["00, run 00: its file is damaged"]


def test_a_seed_that_is_excluded_leaves_its_place_to_the_next() -> None:
    pool = pool_of(SEEDS)
    pool.exclude([replace(pool.contenders[0], excluded="it does not load")])
    assert [ids(one) for one in pool.contenders] == [["01", "02"]]


@pytest.mark.parametrize(("loser", "taken"), [(0, False), (2, True)])  # the promoted one, and the best
def test_budgets_judge_the_one_that_would_be_promoted(loser: int, taken: bool) -> None:
    runs = [
        seed_of(n, range(40 + (n != 2)), loss, val_ece=0.1 if n == loser else 0.0)
        for n, loss in ((0, 2), (1, 3), (2, 1))
    ]
    pool = pool_of(runs, rule=Rule(max_ece=0.05))
    assert [ids(one)[0] for one in pool.contenders] == (["00"] if taken else [])
    assert [one.candidate.run_id for one in pool.excluded] == ([] if taken else ["00"])


def test_any_seed_that_is_champion_makes_its_configuration_the_incumbent() -> None:
    twins = [seed_of(number, range(40, 80), 0.02, OTHER) for number in (0, 1)]
    evidence = SimulatedEvidence([*SEEDS[:1], *twins], {"00": 0.1, "f0": 0.105})
    pool = pool_of([SEEDS[0], *twins], evidence)
    assert apply_rule(pool, "f1").winner.candidate.run_id == "f0"
    assert apply_rule(pool).winner.candidate.run_id == "00"


def test_a_seed_that_was_trained_twice_counts_once() -> None:
    first, second, third = (
        Candidate(name, "m", "knn", {}, {"seed": seed}) for name, seed in (("a", "0"), ("b", "1"), ("c", "0"))
    )
    assert different_seeds([first, second, third]) == [first, second]
    without = [Candidate(name, "m", "knn") for name in "ab"]
    assert different_seeds(without) == without


@pytest.mark.parametrize(
    ("losses", "median"), [([1, 3, 2], 2), ([2, 1], 0), ([4, 1, 2, 3], 3), ([1, 1, 1], 0), ([5], 0)]
)
def test_the_median_is_the_less_lucky_of_two_and_the_first_of_equals(losses: list[float], median: int) -> None:
    members = [Candidate(f"{n}", "m", "knn", {"val_log_loss": loss}) for n, loss in enumerate(losses)]
    assert median_member(members) is members[median]


def test_the_members_are_what_a_query_finds_the_incumbent_first(store: Client) -> None:
    first, second, third = (add_run(store, 0.9 + n / 100, configuration=DIGEST) for n in range(3))
    add_run(store, 0.9, configuration=OTHER)
    add_run(store, 0.9, configuration=DIGEST, status="FAILED")
    add_run(store, 0.9, configuration=DIGEST, role="reproduction")
    candidate = next(one for one in _all(store) if one.run_id == second)
    assert [one.run_id for one in Members(Candidates(store, QUERY))(candidate)] == [first, second, third]
    assert [one.run_id for one in Members(Candidates(store, QUERY), third)(candidate)] == [third, first, second]
    narrow = Query("d", "s", where="metrics.val_accuracy > 0.905")
    assert [one.run_id for one in Members(Candidates(store, narrow))(candidate)] == [second, third]
    assert all(one.model_id.startswith("m-") for one in Members(Candidates(store, QUERY))(candidate))


def _all(store: Client) -> list[Candidate]:
    return list(Candidates(store, QUERY))


@pytest.mark.parametrize("text", ["", "x", "0123456789abcdef' or '1' = '1"])
def test_what_is_no_digest_is_no_configuration(text: str) -> None:
    assert Candidate("r", "m", "knn", tags={"configuration": text}).configuration == ""
