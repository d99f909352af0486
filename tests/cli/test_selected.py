"""A selection in the terminal: its remarks, its decision and what to type next."""

import io
from dataclasses import replace

import pandas as pd
import pytest

from mnist_mlflow.cli.selected import show_selection
from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.jobs.select import Selection
from mnist_mlflow.protocol import Names, Rule
from mnist_mlflow.selection.decision import Decision
from mnist_mlflow.selection.rule import Verdict
from mnist_mlflow.tracking.candidates import Query
from mnist_mlflow.tracking.unconsidered import UnconsideredRun
from tests.selection.test_decision import SIGNED
from tests.selection.test_rule import ALL, among

STORE = "sqlite:////home/somebody/with a long name/mnist_mlflow/mlflow.db"
UI = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=best"
DEFAULT = Names()
CHAMPION = Verdict("champion")
DECISION = Decision(among(ALL, Rule()), CHAMPION, Query("d", "s"), SIGNED)
TABLE = pd.DataFrame([{"rank": "1", "algorithm": "best", "val acc. %": "99.50", "run": "0123456789"}])
REASON = (
    "it FAILED: train-images-idx3-ubyte.gz could not be downloaded. https://one.example/: x; https://two.example/: y"
)
FAILED = [UnconsideredRun(f"{number:08}f", algorithm, REASON) for number, algorithm in enumerate(("knn", "svm"))]


def shown(
    decision: Decision, version: str | None = "1", width: int = 80, names: Names = DEFAULT, store: str = STORE
) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    selection = Selection("a-run", decision, TABLE, names, store, UI, version)
    show_selection(Terminal(out, width), Terminal(err, width), selection)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_what_to_type_next_can_be_pasted(width: int) -> None:
    text, _ = shown(DECISION, width=width)
    next_steps = text.split("Version 1 of mnist-digits is champion. Next:\n")[1]
    assert "\n    python -m mnist_mlflow report\n" in next_steps
    assert "in Python\n    import mnist_mlflow; champion = mnist_mlflow.load()\n" in next_steps
    assert f"\n    python -m mnist_mlflow ui\n  then open {UI}\n" in next_steps  # its & would break a command
    assert max(len(line) for line in text.splitlines() if UI not in line) <= width


def test_what_to_type_next_names_another_registered_model_and_server() -> None:
    text, _ = shown(DECISION, names=Names(registered_model="ours"), store="https://team.example")
    assert '\n    import mnist_mlflow; champion = mnist_mlflow.load(registered_model="ours")\n' in text
    assert f"\n  look at the runs: open {UI}\n" in text
    assert "mnist_mlflow ui" not in text


def test_a_champion_that_is_confirmed_stays_and_takes_no_rollback() -> None:
    confirmed = replace(CHAMPION, champion_before="1", is_confirmed=True)
    text, _ = shown(replace(DECISION, verdict=confirmed))
    assert "becomes          nothing new: it is the champion already" in text
    assert "Version 1 of mnist-digits stays champion." in text
    assert "rollback" not in text
    text, _ = shown(replace(DECISION, verdict=replace(CHAMPION, champion_before="1")), version="2")
    assert "Version 2 of mnist-digits is champion." in text
    assert "take it back\n    python -m mnist_mlflow select --rollback=1" in text


def test_a_dry_run_says_how_it_is_carried_out() -> None:
    text, _ = shown(DECISION, version=None)
    assert text.endswith("    python -m mnist_mlflow select --apply=a-run\n")


def test_runs_that_failed_alike_are_told_in_one_sentence() -> None:
    _, remarks = shown(replace(DECISION, unconsidered=FAILED), width=200)
    beginning = "Newer than the champion, and not considered: knn 00000000, svm 00000001: it FAILED: "
    assert remarks == f"{beginning}train-images-idx3-ubyte.gz could not be downloaded.\n"
