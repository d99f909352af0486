"""Planted differences of each kind are named."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mnist_mlflow.reports.differences import LONGEST_PATCH, Patch, code_changes, difference_sections
from tests.conftest import ROOT
from tests.sides import IMAGES, side, with_facts
from tests.simulated import right_but

RIGHT = right_but(IMAGES)
PATCH = "diff --git a/mnist_mlflow/a.py b/mnist_mlflow/a.py\n--- a/mnist_mlflow/a.py\n@@ -1 +1 @@\n-C = 1\n+C = 2\n"
PLANTED = [
    ("parameters", "C", "2"),  # a changed default: the params are the resolved ones
    ("data", "dataset_digest", "one flipped label"),
    ("code", "commit", "b" * 40),
    ("libraries", "scikit-learn", "1.9.0"),
    ("machine", "OMP_NUM_THREADS", "1"),
]


@pytest.mark.parametrize(("kind", "name", "value"), PLANTED)
def test_a_planted_difference_is_named_with_its_kind_and_values(kind: str, name: str, value: str) -> None:
    facts: dict[str, Any] = {name: value}
    first = side("aaaa", RIGHT)
    second = with_facts(side("bbbb", RIGHT), kind, **facts)
    section, others = difference_sections([first, second])
    before = first.origins[0].facts[kind].get(name, "-")
    short = [text[:8] if len(text) == 40 else text for text in (before, value)]
    assert section.rows == [[name, kind, *short]]
    assert section.head == ("fact", "kind", "knn aaaa", "knn bbbb")
    assert others.rows == []
    kinds = [other for other in ("parameters", "data", "code", "libraries", "machine") if other != kind]
    assert section.text == f"Nothing differs in: {', '.join(kinds)}."


def test_libraries_that_the_project_does_not_ask_for_are_listed_apart() -> None:
    second = with_facts(side("bbbb", RIGHT), "libraries", zipp="4.0")
    section, others = difference_sections([side("aaaa", RIGHT), second])
    assert section.rows == []
    assert others.rows == [["zipp", "libraries", "3.0", "4.0"]]
    assert section.text.endswith("Libraries in other versions that the project does not ask for: 1.")


def test_seeds_of_a_group_are_a_list_and_no_difference_where_both_have_them() -> None:
    group, other, single = side("aaaa", RIGHT, RIGHT), side("bbbb", RIGHT, RIGHT), side("cccc", RIGHT)
    assert difference_sections([group, other])[0].rows == []
    assert difference_sections([group, single])[0].rows == [["seed", "parameters", "0, 1", "0"]]


def test_a_patch_of_one_side_is_counted_and_shown() -> None:
    second = with_facts(side("bbbb", RIGHT), "code", PATCH.encode())
    section, patches = code_changes([side("aaaa", RIGHT), second], ROOT)
    assert section.rows == [["Uncommitted in knn bbbb", "mnist_mlflow/a.py", "+1", "-1"]]
    assert patches == [Patch("Uncommitted in knn bbbb", PATCH)]
    assert code_changes([second, second], ROOT)[1] == []


def test_commits_that_are_elsewhere_are_named_with_the_remedy(tmp_path: Path) -> None:
    second = side("bbbb", RIGHT)
    (origin,) = second.origins
    origin.run.data.tags["mlflow.source.git.commit"] = "b" * 40
    section, patches = code_changes([side("aaaa", RIGHT), dataclasses.replace(second, origins=(origin,))], tmp_path)
    assert section.text == f"Not in this repository: {'a' * 40}, {'b' * 40}. Type: git fetch --all"
    assert not section.code
    assert patches == []


def test_a_long_patch_is_cut_on_the_page() -> None:
    assert Patch("", "x" * LONGEST_PATCH).shown == "x" * LONGEST_PATCH
    assert Patch("", "x" * (LONGEST_PATCH + 5)).shown.endswith("\n... and 5 characters more")
