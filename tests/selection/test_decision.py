import json

import pytest

from mnist_mlflow.evaluation.significance import holm, mcnemar
from mnist_mlflow.jobs.select import Params
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.decision import Decision, pairwise, points, rule_text
from mnist_mlflow.selection.rule import Verdict
from mnist_mlflow.tracking.aliases import CHALLENGER
from mnist_mlflow.tracking.candidates import Query
from tests.selection.test_rule import ALL, BEST, NEAR, SMALL, among


def test_the_whole_decision_is_plain_data() -> None:
    verdict = Verdict(CHALLENGER, "it lacks much")
    decision = Decision(among(ALL, Params(prefer="size")), verdict, Query("d", "s"), "now")
    plain = json.loads(json.dumps(decision.as_json()))
    assert (plain["winner"]["run_id"], plain["alias"], plain["lacks"]) == ("small", "challenger", "it lacks much")
    assert plain["certainly_worse"] == ["poor"]
    assert [entry["ms_per_image"] for entry in plain["compared"]] == [0.3, 0.1, 0.2]
    assert set(plain["rule"]) == {"text", "prefer", "max_ms_per_image", "max_mb", "max_ece"}
    assert plain["query"]["split_digest"] == "s"


def test_it_is_told_in_words() -> None:
    verdict = Verdict(CHALLENGER, "it lacks much")
    sentences = Decision(among(ALL, Rule("size")), verdict, Query("d", "s"), "now").sentences
    assert sentences["becomes"] == "challenger: it lacks much"
    assert sentences["against the best"].startswith("-0.06 points (-0.")
    assert sentences["among"].startswith("3 of 4 models")
    assert sentences["champion before"] == "none"
    verdict = Verdict("champion", note="look")
    sentences = Decision(among(ALL, Rule()), verdict, Query("d", "s"), "now").sentences
    assert (sentences["becomes"], sentences["note"]) == ("champion", "look")
    assert sentences["against the best"] == "it is the best, or exactly as good"


def test_the_rule_names_its_budgets() -> None:
    assert rule_text(Rule()) == (
        "of the models that are not significantly worse than the best: the most accurate, then the fastest"
    )
    assert rule_text(Rule("latency", 0.5, 3, 0.01)) == (
        "of the models that are not significantly worse than the best, "
        "within 0.5 ms an image, 3 MB, 0.01 calibration error: the fastest"
    )


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
