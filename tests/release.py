"""A release: `python -m tests.release` builds the package into dist/ and tries the wheel where nothing else is.

It asks a package index for setuptools and for all that the package needs, and takes some minutes.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mnist_mlflow

ROOT = Path(__file__).resolve().parents[1]
DATED = re.compile(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", re.M)  # a version of the changelog
CHAMPION = "import mnist_mlflow as m, numpy as n; print(m.load().predict(n.zeros((1, 28, 28), n.uint8))['why'].item())"
COMMANDS = (
    (["mnist-mlflow", "--help"], "Train classifiers of handwritten digits"),
    (["mnist-mlflow", "--version"], mnist_mlflow.__version__),
    (["mnist-mlflow", "knn", "--data", "digits"], "knn       val_accuracy 0.9"),
    (["mnist-mlflow", "select", "--data", "digits"], "is champion"),
    (["python", "-c", CHAMPION], "blank"),
)


def main() -> None:
    """Exit with a line that says what is wrong, or print where the files are and what comes next."""
    version, dist = mnist_mlflow.__version__, ROOT / "dist"
    if newest_version() != version:
        sys.exit(f"Error: {version} has no dated heading in CHANGELOG.md; the newest is {newest_version()}.")
    if changes := git("status", "--porcelain").decode():
        sys.exit(f"Error: a release is of a commit. Commit these first:\n{changes}")
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "sources"  # setuptools leaves files where it builds
        with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as archive:
            archive.extractall(sources, filter="data")
        subprocess.run([sys.executable, "-m", "build", "--outdir", str(dist), str(sources)], check=True)
        (wheel,) = dist.glob(f"mnist_mlflow-{version}-*.whl")
        for failure in try_out(wheel, Path(folder)):
            sys.exit(f"Error: {failure}")
    print(f"Well: {', '.join(path.name for path in sorted(dist.iterdir()))} in {dist}. Next: git tag v{version}")


def git(*words: str) -> bytes:
    """The output of a command of git in the project."""
    return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def newest_version() -> str:
    """The version at the top of the changelog, but for what is unreleased; empty where there is none."""
    found = DATED.search((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    return found[1] if found else ""


def try_out(wheel: Path, folder: Path) -> Iterator[str]:
    """Install a wheel in an environment of its own and type the commands in an empty folder; yield what fails."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
    programs = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
    environment, empty = bare_environment(folder), folder / "empty"
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(install, env=environment, check=True)
    empty.mkdir()
    for words, expected in COMMANDS:
        print("$", *words, flush=True)
        done = subprocess.run(
            [str(programs / words[0]), *words[1:]],
            cwd=empty,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or expected not in done.stdout:
            yield f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    yield from (f"{path.name} was written into the folder where commands are typed" for path in empty.iterdir())


def bare_environment(folder: Path) -> dict[str, str]:
    """The environment without the project and its settings, and with a store and a cache of its own."""
    others = ("MLFLOW_", "MNIST_MLFLOW_", "PYTHON", "VIRTUAL_ENV", "OPTUNA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}


if __name__ == "__main__":
    main()
