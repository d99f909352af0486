"""What pyproject.toml declares, requirements.txt pins, and conda.yaml installs."""

import re
import tomllib

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mnist_mlflow.algorithms.base import BROUGHT
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def declared() -> dict[str, Requirement]:
    return {canonicalize_name(Requirement(text).name): Requirement(text) for text in PROJECT["project"]["dependencies"]}


def extra() -> dict[str, Requirement]:
    """What the extra `tensorflow` brings: what learns networks."""
    texts = PROJECT["project"]["optional-dependencies"]["tensorflow"]
    return {Requirement(text).name: Requirement(text) for text in texts}


def networks() -> dict[str, Requirement]:
    """The same as it is installed to develop and by `mlflow run`: wherever there is a TensorFlow."""
    requirements = [Requirement(text) for text in PROJECT["dependency-groups"]["dev"]]
    return {found.name: found for found in requirements if found.name in extra()}


def pins() -> dict[str, set[str]]:
    """The pinned versions by names; of some packages there is one for Macs with Intel, and one for all others."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.M):
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


def test_conda_yaml_pins_what_is_declared_as_requirements_txt_does() -> None:
    environment = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"]
    assert environment[0] == "python=3.11"
    requirements = [Requirement(line) for line in environment[-1]["pip"]]
    listed = {found.name: str(found.specifier).removeprefix("==") for found in requirements}
    needed = declared() | networks()
    assert {found.name: found.marker for found in requirements} == {name: one.marker for name, one in needed.items()}
    assert all(version in pins()[name] for name, version in listed.items())


def test_the_pins_are_within_what_is_declared() -> None:
    for name, requirement in (declared() | networks()).items():
        assert any(requirement.specifier.contains(version) for version in pins()[name]), name


def test_the_users_packages_are_declared() -> None:
    assert {"mlflow", "numpy", "pandas", "scikit-learn", "xgboost", "optuna"} <= declared().keys()


@pytest.mark.parametrize("name", sorted(extra()))
def test_what_learns_networks_is_an_extra_and_pinned_where_it_exists(name: str) -> None:
    needed = networks()[name]
    assert (extra()[name].specifier, extra()[name].marker) == (needed.specifier, None)
    assert name not in declared()
    assert needed.marker
    machines = [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64")]
    pinned = re.search(rf"^{name}==\S+ ; (.*)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert pinned
    for system, machine in [*machines, ("darwin", "x86_64")]:
        environment = {"sys_platform": system, "platform_machine": machine}
        exists = (system, machine) in machines
        assert needed.marker.evaluate(environment) is Marker(pinned[1]).evaluate(environment) is exists


def test_learning_looks_for_all_that_its_extra_brings() -> None:
    assert {name: set(libraries) for name, libraries in BROUGHT.items()} == {"tensorflow": set(extra())}


def test_the_pins_name_no_registry_and_the_documented_command() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    command = re.search(r"^#\s+(uv pip compile .*)$", text, re.M)
    assert command
    assert command[1] in (ROOT / "CONTRIBUTING.md").read_text()
