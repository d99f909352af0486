from dataclasses import replace
from pathlib import Path

from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection.leaderboard import leaderboard, write_leaderboard
from tests.selection.test_rule import ALL, among


def test_the_best_comes_first_with_what_tells_them_apart() -> None:
    choice = among(ALL, Rule())
    table = leaderboard(choice, {choice.winner: {"test_accuracy": 0.9951}})
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
    assert set(leaderboard(among(scored, Rule()), {})["test %"]) == {""}


def test_it_is_written_in_three_forms(tmp_path: Path) -> None:
    write_leaderboard(leaderboard(among(ALL, Rule()), {}), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"leaderboard.{kind}" for kind in ("csv", "html", "md")]
    assert "| best" in (tmp_path / "leaderboard.md").read_text()
