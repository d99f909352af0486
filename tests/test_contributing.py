"""Habits of those who work on the project: hooks of git, templates of issues, and one page that says all."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from mnist_mlflow.cli import commands as cli
from tests.conftest import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CI = (ROOT / ".ci" / "run").read_text()
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks by what they run; all are of this project, so that none is fetched."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    return {hook["entry"]: hook for hook in repositories[0]["hooks"]}


def test_the_hooks_run_what_ci_runs() -> None:
    assert [*hooks()] == ["make lint", ".ci/run"]
    assert "make lint" in CI.splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    for hook in hooks().values():
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)
    assert hooks()[".ci/run"]["stages"] == ["manual"]
    assert "stages" not in hooks()["make lint"]


def test_contributing_is_one_page_that_begins_with_three_commands() -> None:
    assert len(CONTRIBUTING.splitlines()) <= 100
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    typed = re.findall(r"^make (\w+)", CONTRIBUTING.split("```")[1], re.M)
    assert len(typed) == 3
    assert {*typed} <= targets


def test_the_quick_tests_of_an_algorithm_are_there() -> None:
    (command,) = re.findall(r"^python -m pytest .*", CONTRIBUTING, re.M)
    *paths, option, name = shlex.split(command)[3:]
    assert (option, name) == ("-k", "knn")
    assert all((ROOT / path).is_dir() for path in paths)


@pytest.mark.parametrize("form", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.name)
def test_a_form_of_issues_is_one_that_github_takes_and_names_commands_that_exist(form: Path) -> None:
    content = yaml.safe_load(form.read_text())
    assert content.keys() >= {"name", "description", "body"}
    ids = [field["id"] for field in content["body"]]
    assert len({*ids}) == len(ids)
    for field in content["body"]:
        assert field["type"] in ("textarea", "checkboxes")
        assert field["attributes"]["label"]
    for command in re.findall(r"python -m mnist_mlflow (\w+)", form.read_text()):
        assert command in cli.commands.commands


def test_the_templates_name_what_is_there() -> None:
    assert [path.name for path in FORMS] == ["algorithm.yml", "bug.yml", "config.yml", "reproduction.yml"]
    template = (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text()
    for name in re.findall(r"`(mnist_mlflow/[\w/.]*)`", "".join([template, *(form.read_text() for form in FORMS)])):
        assert (ROOT / name).exists(), name
