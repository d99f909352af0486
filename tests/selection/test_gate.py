"""Who becomes champion when there is one already."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.gate import Read, Verdict, pass_gate
from mnist_mlflow.selection.pool import Contender, Reader, gather
from mnist_mlflow.selection.rule import choose
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from mnist_mlflow.tracking.registry import CHALLENGER, CHAMPION, REGISTERED_MODEL, Registry
from tests.simulated import add_model, labels_of, right_but

Client: TypeAlias = mlflow.MlflowClient
IMAGES = 2_000
LABELS = labels_of(IMAGES)


def quick(candidates: Sequence[Candidate]) -> tuple[dict[str, float], dict[str, str]]:
    return {candidate.run_id: 0.1 for candidate in candidates}, {}


def ask(candidate: Candidate) -> Contender:
    """As if the model were asked: it answers as its run says, unless that is damaged; then it reads all right."""
    try:
        return Reader(LABELS)(candidate)
    except UserFacingError:
        return Contender(candidate, right_but(IMAGES))


def lost(candidate: Candidate) -> Contender:
    raise UserFacingError("it does not load")


def crown(registry: Registry, candidate: Candidate) -> str:
    version = registry.register(candidate, "", {})
    registry.crown(version)
    return version


def judge(client: Client, *taking_part: Candidate, ask: Read = ask) -> Verdict:
    read, registry, rule = Reader(LABELS), Registry(client), Rule()
    choice = choose(lambda excluded: gather(taking_part, rule, read, excluded), rule, quick)
    return pass_gate(registry, choice, read, ask, quick)


@pytest.fixture
def good(store: Client) -> Candidate:
    return add_model(store, LABELS, right_but(IMAGES, range(20)))


@pytest.fixture
def poor(store: Client) -> Candidate:
    return add_model(store, LABELS, right_but(IMAGES, range(100, 190)), megabytes=0.1, algorithm="svm")


def test_the_first_becomes_champion(store: Client, poor: Candidate) -> None:
    assert judge(store, poor) == Verdict(CHAMPION)


def test_the_champion_again_stays_champion(store: Client, good: Candidate) -> None:
    version = crown(Registry(store), good)
    assert judge(store, good) == Verdict(CHAMPION, champion_before=version)


def test_who_is_chosen_before_the_champion_replaces_it(store: Client, good: Candidate, poor: Candidate) -> None:
    version = crown(Registry(store), poor)
    assert judge(store, good, poor) == Verdict(CHAMPION, champion_before=version)


def test_a_worse_one_becomes_challenger_and_is_told_what_it_lacks(
    store: Client, good: Candidate, poor: Candidate
) -> None:
    crown(Registry(store), good)
    verdict = judge(store, poor)  # the champion is left out by a filter
    assert verdict.alias == CHALLENGER
    assert "significantly worse than the champion: -3.50 points" in verdict.lacks


def test_a_better_one_replaces_a_champion_that_was_left_out(store: Client, good: Candidate, poor: Candidate) -> None:
    crown(Registry(store), poor)
    assert judge(store, good).alias == CHAMPION


def test_a_champion_of_other_images_is_not_replaced_in_silence(store: Client, good: Candidate) -> None:
    other = add_model(store, LABELS, right_but(IMAGES, range(900)), split_digest="t", dataset="digits")
    crown(Registry(store), other)
    verdict = judge(store, good)
    assert verdict.alias == CHALLENGER
    assert "learned from other images (digits, split_seed=0)" in verdict.lacks
    assert f'delete_registered_model_alias("{REGISTERED_MODEL}", "champion")' in verdict.lacks
    assert judge(store, good) == verdict


def test_a_champion_whose_probabilities_are_lost_is_asked(store: Client, good: Candidate, tmp_path: Path) -> None:
    champion = add_model(store, LABELS, right_but(IMAGES))
    crown(Registry(store), champion)
    (tmp_path / "validation_probabilities.npz").write_bytes(b"nothing")
    store.log_artifact(champion.run_id, str(tmp_path / "validation_probabilities.npz"))
    assert judge(store, good).alias == CHALLENGER


def test_a_champion_that_does_not_load_any_more_is_replaced_and_that_is_told(store: Client, good: Candidate) -> None:
    version = crown(Registry(store), add_model(store, LABELS, right_but(IMAGES)))
    verdict = judge(store, good, ask=lost)
    assert (verdict.alias, verdict.champion_before) == (CHAMPION, version)
    assert verdict.note == f"the champion before, version {version}, cannot be asked any more: it does not load"


def test_who_is_as_good_as_the_best_but_worse_than_the_champion_is_no_champion(store: Client) -> None:
    best = add_model(store, LABELS, right_but(IMAGES, range(50)), megabytes=9)
    champion = add_model(store, LABELS, right_but(IMAGES, range(100, 155)), megabytes=9)
    small = add_model(store, LABELS, right_but(IMAGES, range(100, 175)), megabytes=0.1)
    version = crown(Registry(store), champion)
    read, rule = Reader(LABELS), Rule("size")
    choice = choose(lambda excluded: gather([best, champion, small], rule, read, excluded), rule, quick)
    assert choice.winner.candidate == small
    verdict = pass_gate(Registry(store), choice, read, ask, quick)
    assert (verdict.alias, verdict.champion_before) == (CHALLENGER, version)
    assert "significantly worse than the champion: -1.00 points" in verdict.lacks


def test_a_champion_that_somebody_registered_by_hand_is_not_replaced_unseen(store: Client, good: Candidate) -> None:
    plain = store.create_run("0").info.run_id
    store.create_registered_model(REGISTERED_MODEL)
    made = store.create_model_version(REGISTERED_MODEL, "/somewhere/model", plain)
    store.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, made.version)
    verdict = judge(store, good)
    assert verdict.alias == CHALLENGER
    assert "learned from other images (unknown" in verdict.lacks


def test_a_candidate_is_read_as_it_was_left(store: Client, good: Candidate) -> None:
    assert as_candidate(store, good.run_id, good.model_id) == good
