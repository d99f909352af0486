from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mnist_mlflow.cli.selected import leaderboard_table
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.leaderboard import leaderboard, with_test_figures, write_leaderboard
from mnist_mlflow.selection.rule import Choice, apply_rule
from tests.selection.test_members import LONE, POOR, SEEDS, pool_of
from tests.selection.test_rule import ALL, among


def test_the_best_comes_first_with_what_tells_them_apart() -> None:
    choice = among(ALL, Rule())
    table = with_test_figures(leaderboard(choice), {choice.winner: {"test_accuracy": 0.9951}})
    rows = {row["run"]: row for row in table.to_dict("records")}
    assert list(rows) == ["best", "near", "small", "poor"]
    assert rows["best"]["95 % interval"] == "99.34-99.62"
    assert (rows["best"]["vs best, points"], rows["near"]["vs best, points"]) == ("", "-0.05")
    assert (rows["best"]["test %"], rows["near"]["test %"]) == ("99.51", "")
    assert (rows["near"]["ms/image"], rows["poor"]["ms/image"]) == ("0.1", "")
    assert (rows["poor"]["p"], rows["poor"]["95 % interval"]) == ("< 0.0001", "")
    assert rows["poor"]["val acc. %"] == "98.00"


def test_test_figures_of_those_that_are_no_finalists_are_not_shown() -> None:
    tested = [replace(one.candidate, metrics={**one.candidate.metrics, "test_accuracy": 0.5}) for one in ALL]
    scored = [replace(one, candidate=candidate) for one, candidate in zip(ALL, tested, strict=True)]
    assert set(leaderboard(among(scored, Rule()))["test %"]) == {""}


def test_it_says_of_how_many_each_is_sure_and_nothing_of_an_earlier_run() -> None:
    sure = {"val_coverage": 0.975, "val_selective_error": 0.0004}
    best, *others = ALL
    best = replace(best, candidate=replace(best.candidate, metrics={**best.candidate.metrics, **sure}))
    rows = {row["run"]: row for row in leaderboard(among([best, *others], Rule())).to_dict("records")}
    assert (rows["best"]["sure %"], rows["best"]["wrong of sure %"]) == ("97.50", "0.04")
    assert (rows["near"]["sure %"], rows["near"]["wrong of sure %"]) == ("", "")


def test_it_is_written_in_three_forms(tmp_path: Path) -> None:
    write_leaderboard(leaderboard(among(ALL, Rule())), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"leaderboard.{kind}" for kind in ("csv", "html", "md")]
    assert "| best" in (tmp_path / "leaderboard.md").read_text()


def test_a_configuration_of_several_seeds_is_a_row_with_its_mean_and_spread() -> None:
    table = leaderboard(apply_rule(pool_of([*SEEDS, LONE, *POOR])))
    lone, seeds, poor = table.to_dict("records")
    assert (lone["run"], lone["val acc. %"], lone["±"], lone["seeds"]) == ("lone", "99.58", "", "1")
    assert (seeds["run"], seeds["val acc. %"], seeds["±"], seeds["seeds"]) == ("00", "99.56", "0.04", "3")
    assert seeds["val log loss"] == "0.02"  # of the run
    assert (poor["run"], poor["val acc. %"], poor["seeds"]) == ("f0", "98.00", "1")  # the best of those not read
    assert list(table)[2:5] == ["val acc. %", "±", "seeds"]


def test_columns_of_seeds_are_there_where_they_say_something() -> None:
    assert {"±", "seeds"}.isdisjoint(leaderboard(among(ALL, Rule())))


@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("choice", [among(ALL, Rule()), apply_rule(pool_of([*SEEDS, LONE, *POOR]))], ids=["", "seeds"])
def test_a_table_fits_into_the_terminal_and_says_how_much_is_sure(choice: Choice, width: int) -> None:
    table = leaderboard(choice)
    table[["algorithm", "sure %", "test %", "MB"]] = ["logistic", "100.00", "100.00", "0.0269"]
    table[["vs best, points", "ms/image", "val log loss", "run"]] = ["-0.39", "0.0543", "0.0178", "0123456789abcdef"]
    shown = leaderboard_table(table, width)
    heads = [column.header for column in shown.columns]
    assert Console(width=300).measure(shown).maximum <= width
    assert {"acc. %", "p", "sure %", "test %", "ms/image", "run"} <= {*heads}
    assert {"rank", "f1 %", "wrong of sure %"}.isdisjoint(heads)
    assert ("±" in heads, "log loss" in heads) == ("±" in table, width == 110)
