import json
import math
from dataclasses import replace

import pytest

from mnist_mlflow.evaluation.significance import holm, mcnemar, paired_test
from mnist_mlflow.jobs.select import Params
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.decision import Decision, rule_text
from mnist_mlflow.selection.finalists import pairwise, points
from mnist_mlflow.selection.pool import CandidatePool
from mnist_mlflow.selection.rule import Choice, Verdict, apply_rule
from mnist_mlflow.tracking.aliases import CHALLENGER
from mnist_mlflow.tracking.candidates import Query
from mnist_mlflow.tracking.signatures import Signature
from tests.selection.test_members import LONE, SEEDS, pool_of
from tests.selection.test_rule import ALL, BEST, IMAGES, NEAR, POOR, SMALL, among, evidence_of
from tests.simulated import entry, right_but

SIGNED = Signature("ada", "now", "a-run")


def test_the_whole_decision_is_plain_data() -> None:
    verdict = Verdict(CHALLENGER, "it lacks much")
    decision = Decision(among(ALL, Params(prefer="size")), verdict, Query("d", "s"), SIGNED)
    plain = json.loads(json.dumps(decision.as_json()))
    assert (plain["winner"]["run_id"], plain["alias"], plain["lacks"]) == ("small", "challenger", "it lacks much")
    assert plain["certainly_worse"] == ["poor"]
    assert [entry["ms_per_image"] for entry in plain["compared"]] == [0.3, 0.1, 0.2]
    assert set(plain["rule"]) == {"text", "prefer", "max_ms_per_image", "max_mb", "max_ece", "min_coverage"}
    assert plain["query"]["split_digest"] == "s"


def test_it_is_told_in_words() -> None:
    verdict = Verdict(CHALLENGER, "it lacks much")
    sentences = Decision(among(ALL, Rule("size")), verdict, Query("d", "s"), SIGNED).sentences
    assert sentences["becomes"] == "challenger: it lacks much"
    assert sentences["against the best"].startswith("-0.06 points (-0.")
    assert sentences["among"] == "3 of 4 models that took part are not significantly worse than the best"
    assert sentences["champion before"] == "none"
    verdict = Verdict("champion", note="look")
    sentences = Decision(among(ALL, Rule()), verdict, Query("d", "s"), SIGNED).sentences
    assert (sentences["becomes"], sentences["note"]) == ("champion", "look")
    assert "stays" not in sentences
    assert sentences["against the best"] == "it is the best itself"


def told(choice: Choice) -> dict[str, str]:
    return Decision(choice, Verdict("champion"), Query("d", "s"), SIGNED).sentences


def test_one_that_reads_what_the_best_reads_is_told_so() -> None:
    same = among([BEST, entry("twin", right_but(IMAGES, range(50)))], Rule())
    assert [told(replace(same, winner=one))["against the best"] for one in same.contenders] == [
        "it is the best itself",
        "it reads the same images right",
    ]


def test_few_that_take_part_or_are_measured_are_told_so() -> None:
    assert told(among([BEST], Rule()))["among"] == "one model took part"
    assert told(among([BEST, POOR], Rule()))["among"] == (
        "the best of 2 models that took part; the others are significantly worse"
    )
    choice = among([BEST, NEAR], Rule())
    unmeasured = [replace(one, ms_per_image=math.nan) if one is not choice.winner else one for one in choice.entries]
    assert told(replace(choice, entries=unmeasured))["among"].endswith("than the best; 1 of them was measured")


def test_a_champion_that_is_hardly_slower_stays_and_the_decision_says_so() -> None:
    pool = [candidate.candidate for candidate in (NEAR, SMALL)]
    evidence = evidence_of([NEAR, SMALL], {"near": 0.063, "small": 0.069})
    choice = apply_rule(CandidatePool(pool, evidence, Rule("latency"), {}), "small")
    verdict = Verdict("champion", champion_before="1", is_confirmed=True)
    sentences = Decision(choice, verdict, Query("d", "s"), SIGNED).sentences
    assert sentences["stays"] == ("the champion, since near is less than a tenth faster: 0.063 against 0.069 ms/image")
    assert sentences["becomes"] == "nothing new: it is the champion already"


def test_the_rule_names_its_budgets() -> None:
    assert rule_text(Rule()) == (
        "the most accurate, then the fastest, of the models that are not significantly worse than the best"
    )
    assert rule_text(Rule("latency", 0.5, 3, 0.01)) == (
        "the fastest of the models that are not significantly worse than the best, "
        "within 0.5 ms/image, 3 MB, 0.01 calibration error"
    )
    assert rule_text(Rule(min_coverage=0.95)).endswith("than the best, sure of 95 % at least")


def test_every_pair_is_compared() -> None:
    table = pairwise([BEST, NEAR, SMALL])
    assert list(zip(table["first"], table["second"], strict=True)) == [
        ("best best", "near near"),
        ("best best", "small small"),
        ("near near", "small small"),
    ]
    p_values = [mcnemar(*(one.correct[0] for one in pair)) for pair in ((BEST, NEAR), (BEST, SMALL), (NEAR, SMALL))]
    assert list(table["p"]) == p_values
    assert list(table["p corrected"]) == holm(p_values)
    assert table["difference"][0] == pytest.approx(0.0005)
    assert (table["only first right"][0], table["only second right"][0]) == (15, 10)


def test_finalists_are_the_points_of_the_picture() -> None:
    finalists = points(among(ALL, Rule("latency")))
    assert [(point.name, point.is_winner) for point in finalists] == [
        ("best best", False),
        ("near near", True),
        ("small smal", False),
    ]


def test_a_configuration_is_told_with_its_seeds() -> None:
    choice = apply_rule(pool_of([*SEEDS, LONE], rule=Rule("size", max_mb=1)))
    seeds = next(one for one in choice.finalists if one.others)
    decision = Decision(replace(choice, winner=seeds), Verdict(CHALLENGER), Query("d", "s"), SIGNED)
    assert decision.sentences["chosen"] == "00, 3 seeds, run 00 (seed 0, the median by log loss)"
    assert decision.sentences["seeds"] == (
        "99.56 ± 0.04 % read right, mean and standard deviation of 0 (run 00), 1 (run 01), 2 (run 02)"
    )
    lone, told = decision.as_json()["compared"]
    assert "seeds" not in lone
    assert [(one["run_id"], one["seed"], one["val_log_loss"]) for one in told["seeds"]] == [
        ("00", "0", 0.02),
        ("01", "1", 0.03),
        ("02", "2", 0.01),
    ]


def test_pairs_of_configurations_count_images_by_the_mean_over_seeds() -> None:
    lone, seeds = pool_of([*SEEDS, LONE]).contenders
    table = pairwise([lone, seeds])
    assert (table["only first right"][0], table["only second right"][0]) == (44, 42)
    test = paired_test(seeds.correct, lone.correct)
    assert (table["p"][0], table["difference"][0]) == (test.p_value, test.mean)
