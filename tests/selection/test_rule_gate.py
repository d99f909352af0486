"""Who becomes champion when there is one already."""

from dataclasses import dataclass, replace

import pytest

from mnist_mlflow.errors import MissingLibraryError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.entry import Correct, Entry
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import Verdict, apply_rule, decide_alias
from mnist_mlflow.tracking.aliases import CHALLENGER, CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import Registry
from tests.simulated import SimulatedEvidence, entry, right_but

IMAGES = 2_000
GOOD = entry("good", right_but(IMAGES, range(20)))
POOR = entry("poor", right_but(IMAGES, range(100, 190)), model_mb=0.1)
TWIN = entry("twin", right_but(IMAGES, range(300, 320)))  # as accurate as the good one
PERFECT = entry("perfect", right_but(IMAGES))
ENTRIES = [GOOD, POOR, TWIN, PERFECT]
ANY = Rule()
FIRST = Verdict(CHAMPION, champion_before="7")


@dataclass(frozen=True)
class Version:
    run_id: str
    version: str = "7"


class SimulatedRegistry(Registry):
    """A registry with a champion, or none."""

    def __init__(self, champion: Candidate | None) -> None:
        self.name, self.incumbent = "a-model", champion

    def version(self, alias: str) -> Version | None:
        return Version(self.incumbent.run_id) if self.incumbent else None

    def candidate(self, version: object) -> Candidate:
        assert self.incumbent
        return self.incumbent


def judge(
    champion: Entry | None, *taking_part: Entry, evidence: SimulatedEvidence | None = None, rule: Rule = ANY
) -> Verdict:
    evidence = evidence or SimulatedEvidence(ENTRIES)
    choice = apply_rule(CandidatePool([one.candidate for one in taking_part], evidence, rule, {}))
    return decide_alias(SimulatedRegistry(champion.candidate if champion else None), choice, evidence)


def test_the_first_becomes_champion() -> None:
    assert judge(None, POOR) == Verdict(CHAMPION)


def test_the_champion_again_stays_champion() -> None:
    assert judge(GOOD, GOOD) == replace(FIRST, is_confirmed=True)


def test_a_model_that_is_chosen_before_the_champion_replaces_it() -> None:
    assert judge(POOR, GOOD, POOR) == FIRST


def test_a_worse_one_becomes_challenger_and_is_told_what_it_lacks() -> None:
    verdict = judge(GOOD, POOR)  # the champion is left out by a filter
    assert verdict.alias == CHALLENGER
    assert "significantly worse than the champion: -3.50 points" in verdict.lacks


def test_a_better_one_replaces_a_champion_that_was_left_out() -> None:
    assert judge(POOR, GOOD) == FIRST


@pytest.mark.parametrize(
    ("tags", "images"), [({"split_digest": "t", "dataset": "digits"}, "digits"), ({"dataset_digest": "e"}, "unknown")]
)
def test_a_champion_of_other_images_is_not_replaced_in_silence(tags: dict[str, str], images: str) -> None:
    other = replace(POOR, candidate=replace(POOR.candidate, tags=tags, params={"split_seed": "3"}))
    verdict = judge(other, GOOD)
    assert (verdict.alias, verdict.champion_before) == (CHALLENGER, "7")
    assert f"learned from other images ({images}, split_seed=3)" in verdict.lacks
    assert 'delete_registered_model_alias("a-model", "champion")' in verdict.lacks


def test_a_champion_whose_probabilities_are_lost_is_asked() -> None:
    lost = SimulatedEvidence(ENTRIES, unreadable=["perfect", "poor"])
    assert judge(PERFECT, GOOD, evidence=lost).alias == CHALLENGER
    assert judge(POOR, GOOD, evidence=lost) == FIRST


def test_a_champion_whose_probabilities_are_lost_is_measured_beside_an_equal() -> None:
    lost = SimulatedEvidence(ENTRIES, {"twin": 0.1, "good": 0.3}, unreadable=["good"])
    assert judge(GOOD, TWIN, evidence=lost) == FIRST
    lost = SimulatedEvidence(ENTRIES, {"twin": 0.3, "good": 0.1}, unreadable=["good"])
    assert "by prefer=accuracy the champion is the better" in judge(GOOD, TWIN, evidence=lost).lacks


def test_a_champion_that_does_not_load_any_more_is_replaced_and_that_is_told() -> None:
    evidence = SimulatedEvidence(ENTRIES, broken={"perfect": "it does not load"})
    note = "the champion before, version 7, cannot be asked any more: it does not load"
    assert judge(PERFECT, GOOD, evidence=evidence) == replace(FIRST, note=note)


def test_a_champion_that_lacks_a_library_here_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def predicted(candidate: Candidate) -> Correct:
        raise MissingLibraryError("TensorFlow is not installed")

    evidence = SimulatedEvidence(ENTRIES)
    monkeypatch.setattr(evidence, "predicted", predicted)
    verdict = judge(POOR, GOOD, evidence=evidence)
    assert (verdict.alias, verdict.champion_before) == (CHALLENGER, "7")
    assert "cannot be compared with it on this machine: TensorFlow is not installed" in verdict.lacks


def test_a_model_as_good_as_the_best_but_worse_than_the_champion_is_no_champion() -> None:
    best = entry("best", right_but(IMAGES, range(50)), model_mb=9)
    champion = entry("champion", right_but(IMAGES, range(100, 155)), model_mb=9)
    small = entry("small", right_but(IMAGES, range(100, 175)), model_mb=0.1)
    evidence = SimulatedEvidence([best, champion, small])
    verdict = judge(champion, best, champion, small, evidence=evidence, rule=Rule("size"))
    assert (verdict.alias, verdict.champion_before) == (CHALLENGER, "7")
    assert "significantly worse than the champion: -1.00 points" in verdict.lacks


def of_seeds(*entries: Entry) -> list[Entry]:
    """Entries as the seeds of one configuration, whose log losses grow from one to the next."""
    return [
        replace(one, candidate=replace(one.candidate, tags={"configuration": "0" * 16}, params={"seed": f"{number}"}))
        for number, one in enumerate(entries)
    ]


def judge_seeds(champion: Entry, seeds: list[Entry], *others: Entry) -> Verdict:
    entries = [*seeds, *others]
    candidates = sorted((one.candidate for one in entries), key=lambda one: -one.metrics["val_accuracy"])
    evidence, members = SimulatedEvidence([*entries, champion]), [one.candidate for one in seeds]
    pool = CandidatePool(candidates, evidence, ANY, {}, lambda candidate: members)
    choice = apply_rule(pool, champion.candidate.run_id)
    return decide_alias(SimulatedRegistry(champion.candidate), choice, evidence)


def test_another_seed_of_the_champions_configuration_replaces_it() -> None:
    seeds = of_seeds(GOOD, TWIN)
    assert judge_seeds(seeds[1], seeds) == FIRST


def test_a_champion_counts_with_its_other_seeds() -> None:
    lucky = entry("lucky", right_but(IMAGES, range(2)))
    unlucky = [entry(f"{number}", right_but(IMAGES, range(30 * number, 30 * number + 25))) for number in (1, 2)]
    seeds = of_seeds(lucky, *unlucky)
    best = entry("best", right_but(IMAGES, range(500, 512)))
    assert judge_seeds(seeds[0], seeds, best) == FIRST  # though the champion itself reads ten images more
