"""Check all that a run needs, a line each: ok, or what to type; `--fix 1` mends what needs no decision.

Checked are Python, packages, data, disk and git; the tracking store and what it holds; and the studies.

    python -m mnist_mlflow doctor
"""

from __future__ import annotations

import platform
import shlex
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from mnist_mlflow.errors import one_line, without_passwords
from mnist_mlflow.parameters import flag, parameters
from mnist_mlflow.types import Finding, Progress

DISTRIBUTION = "mnist-mlflow"
LEAST_FREE = 1e9  # bytes on each disk that is written to
TENSORFLOW = "tensorflow"  # the package, and the extra that brings it
LACKING = f'; mlp and cnn lack TensorFlow to learn: pip install "{DISTRIBUTION}[{TENSORFLOW}]"'
ENVIRONMENTS = ("uv", "conda", "virtualenv")  # each a program, and a value of `mlflow run --env-manager`


@parameters
class Params:
    """Options of `doctor`."""

    fix: bool = flag(False, "mend what can be mended without a question")


@dataclass(frozen=True)
class Diagnosis:
    """A check's name, its state, and what it found or has mended."""

    check: str
    state: Literal["ok", "mended", "problem"]
    text: str


def run(params: Params, progress: Progress) -> list[Diagnosis]:
    """The diagnoses of all checks; those of the content of a store only if it can be used."""
    diagnoses = [diagnose(name, check, params.fix) for name, check in CHECKS.items()]
    if diagnoses[-1].state != "problem" and _has_store():
        diagnoses += [diagnose(name, check, params.fix) for name, check in CHECKS_OF_CONTENT.items()]
    return diagnoses


def _has_store() -> bool:
    from mnist_mlflow.tracking.checks import is_there

    return is_there()


def diagnose(name: str, check: Callable[[], Finding], fix: bool) -> Diagnosis:
    """The diagnosis of a check, which may raise anything; `fix` mends its problem if it can be."""
    try:
        finding = check()
        if fix and finding.mend:
            return Diagnosis(name, "mended", f"{finding.text}: {finding.mend()}")
        state: Literal["ok", "problem"] = "problem" if finding.remedy else "ok"
        text = f"{finding.text}. {finding.remedy}" if finding.remedy else finding.text
    except Exception as error:
        state, text = "problem", one_line(error)
    return Diagnosis(name, state, without_passwords(text))


def check_python() -> Finding:
    """Python is one that the project takes."""
    from packaging.specifiers import SpecifierSet

    version, (accepted, _) = platform.python_version(), declared()
    if version in SpecifierSet(accepted):
        return Finding(version)
    return Finding(f"{version} is none that the project takes, {accepted}", "Type: make venv PYTHON=python3.11")


def check_packages() -> Finding:
    """The packages are those that the project declares."""
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in declared()[1]]
    extra = TENSORFLOW if find_spec(TENSORFLOW) else ""
    needed = [one for one in requirements if one.marker is None or one.marker.evaluate({"extra": extra})]
    problems = [problem for one in needed if (problem := _mismatch(one))]
    if not problems:
        return Finding(f"{len(needed)}, as declared" + ("" if extra else LACKING))
    return Finding("; ".join(problems), f"Type: {_install()}")


def _mismatch(requirement: Any) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    accepted = requirement.specifier.contains(version, prereleases=True)
    return "" if accepted else f"{requirement.name} is {version}, not {requirement.specifier}"


def declared() -> tuple[str, list[str]]:
    """The versions of Python and the requirements that the project declares: in its folder, else as installed."""
    file = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        extra = [f'{text}; extra == "{TENSORFLOW}"' for text in project["optional-dependencies"][TENSORFLOW]]
        return project["requires-python"], [*project["dependencies"], *extra]
    return metadata.metadata(DISTRIBUTION)["Requires-Python"], metadata.requires(DISTRIBUTION) or []


def _install() -> str:
    pins = Path(__file__).resolve().parents[2] / "requirements.txt"
    what = f"-r {shlex.quote(str(pins))}" if pins.is_file() else f"--upgrade {DISTRIBUTION}"
    return f"python -m pip install {what}"


def check_data() -> Finding:
    """The files of MNIST are there and intact."""
    from mnist_mlflow.data.mnist import DIGESTS, find_file, load_file

    paths = {name: find_file(name) for name in DIGESTS}
    if missing := [name for name, path in paths.items() if not path]:
        remedy = "Set MNIST_MLFLOW_DATA_DIR, or have it downloaded: python -m mnist_mlflow knn --data mnist"
        return Finding(f"MNIST is not there: {', '.join(missing)}", remedy)
    present = {name: path for name, path in paths.items() if path}
    for name, path in present.items():
        load_file(path, name)
    return Finding(f"MNIST, intact, in {', '.join(sorted({str(path.parent) for path in present.values()}))}")


def check_disk() -> Finding:
    """The disks that runs write to have room."""
    from mnist_mlflow.data.folders import cache_folder
    from mnist_mlflow.tracking.store import project_root, store_file

    file = store_file()
    folders = [file.parent if file else project_root(), cache_folder(), Path(tempfile.gettempdir())]
    free = {folder: shutil.disk_usage(_existing(folder)).free for folder in folders}
    full = [f"{size / 1e9:.1f} GB in {folder}" for folder, size in free.items() if size < LEAST_FREE]
    if full:
        return Finding(f"only {', '.join(full)}", f"Make room: runs need {LEAST_FREE / 1e9:.0f} GB")
    return Finding(f"{min(free.values()) / 1e9:.0f} GB free")


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def check_environments() -> Finding:
    """The programs that `mlflow run` makes environments with; none of them has to be there."""
    managers = [f"{name} {'found' if shutil.which(name) else 'not found'}" for name in ENVIRONMENTS]
    return Finding(f"{', '.join(managers)}; --env-manager local needs none")


def check_git() -> Finding:
    """Git can tell where a run comes from."""
    from mnist_mlflow.tracking.provenance import git_commit, git_refusal
    from mnist_mlflow.tracking.store import project_root

    root = project_root()
    if refusal := git_refusal(root):
        return Finding(*refusal)
    commit = git_commit(root)
    return Finding(f"commit {commit[:10]}" if commit else f"{root} is no repository: runs name no commit")


def check_studies() -> Finding:
    """The storage of studies."""
    from mnist_mlflow.search.checks import check_studies as check
    from mnist_mlflow.tracking.store import studies_uri

    return check(studies_uri())


def _of_store(name: str) -> Callable[[], Finding]:
    """A check of tracking, whose import may fail where packages are missing."""

    def check() -> Finding:
        from mnist_mlflow.tracking import checks

        finding: Finding = getattr(checks, name)()
        return finding

    return check


CHECKS = {
    "python": check_python,
    "packages": check_packages,
    "data": check_data,
    "disk": check_disk,
    "environments": check_environments,
    "git": check_git,
    "studies": check_studies,
    "results": _of_store("check_results"),
    "artifacts": _of_store("check_artifacts"),
    "store": _of_store("check_store"),  # the last: what follows needs it
}
CHECKS_OF_CONTENT = {name: _of_store(f"check_{name}") for name in ("runs", "aliases", "versions")}
