"""A newcomer's walk: documents typed in a clean clone, with the seconds of each command: `python -m tests.newcomer`.

The commands are those of the bash blocks of README.md and docs/index.md, and those that the output offers. `--borrow`
takes the packages of this Python; without it `make venv` builds the environment. `--data digits` does without MNIST.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mnist_mlflow.data import load_dataset
from tests.handmade import drawn, photographed

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "docs/index.md")
BLOCK = re.compile(r"(<!-- not run.*-->\n)?^ *```bash\n(.*?)^ *```$", re.M | re.S)
OFFERED = re.compile(r"^    (\S*python -m mnist_mlflow .*)$", re.M)
SERVES = re.compile(r"^(make ui|.*python -m mnist_mlflow (serve|ui)|mlflow (ui|models serve))\b")
ADDRESS = re.compile(r"http://[\w.]+:\d+")
MARK, SERVED = "walked:", 124  # before an exit status; that of `timeout`
PATIENCE = 60  # seconds for a server, which Ctrl-C then ends
OWN = "/home/anna/digits"  # where the documents take pictures of one's own from
KEPT = ("PATH", "HOME", "LANG", "MNIST_MLFLOW_DATA_DIR", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "SSL_CERT_FILE")


def commands_of(text: str) -> list[str]:
    """The commands in the bash blocks of a document, without comments; not those that are marked as not run."""
    blocks = re.sub(r"\\\n\s*", "", "\n".join(block for note, block in BLOCK.findall(text) if not note))
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in blocks.splitlines())
    return [line for line in lines if line]


@dataclass
class Walk:
    """A shell in a folder, in which commands are typed one after the other."""

    folder: Path
    variables: Mapping[str, str]
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=self.folder,
            env=dict(self.variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def type(self, command: str) -> str:
        """What a command prints; exits with its output where it fails. A server is asked, and ended by Ctrl-C."""
        assert self.shell.stdin
        assert self.shell.stdout
        started, is_server, lines = time.perf_counter(), bool(SERVES.match(command)), list[str]()
        typed = f"timeout --signal=INT {PATIENCE} env {command}" if is_server else command
        self.shell.stdin.write(f'{typed} </dev/null\necho "{MARK} $?"\n')
        self.shell.stdin.flush()
        status, is_asked = None, not is_server
        for line in self.shell.stdout:
            if line.startswith(MARK):
                status = int(line.split()[1])
                break
            lines.append(line)
            is_asked = is_asked or is_answering(line)
        self.seconds[command] = time.perf_counter() - started
        print(f"{self.seconds[command]:7.1f} s  {command}", flush=True)
        if status not in ((SERVED, 0, 130) if is_server else (0,)) or not is_asked:
            sys.exit(f"{''.join(lines)}\nIt ended with {status}: {command}")
        return "".join(lines)

    def end(self) -> None:
        """End the shell, and a command that it has begun."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        with self.shell:  # closes its pipes
            pass


def is_answering(line: str) -> bool:
    """True if a line names an address that answers, after a while."""
    if not (address := ADDRESS.search(line)):
        return False
    for _ in range(PATIENCE):
        try:
            with urllib.request.urlopen(address[0], timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.5)
    return False


def take(walk: Walk, documents: list[Path], names: Mapping[str, str]) -> None:
    """Type each command of the documents once, and after it those that its output offers."""
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for name, meant in names.items():
            text = text.replace(name, meant)
        for command in commands_of(text):
            if command not in walk.seconds:
                output = walk.type(command)
                for offered in OFFERED.findall(output.partition("Next:")[2]):
                    if offered not in walk.seconds and "rollback" not in offered:
                        walk.type(offered)


def borrow_environment(folder: Path) -> None:
    """Make a `.venv` with the packages of this Python, which `make` takes for built."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = (folder / ".venv").glob("lib/*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    program = folder / ".venv" / "bin" / "mlflow"
    program.write_text(f"#!{folder}/.venv/bin/python\nfrom mlflow.cli import cli\ncli()\n")
    program.chmod(0o755)
    (folder / ".venv" / ".done").touch()


def draw_pictures(folder: Path, own: Path) -> None:
    """What a reader has: a photo of some digits, and folders with pictures of digits."""
    digits = load_dataset("digits")
    row = np.hstack([drawn(image) for image in digits.test.images[:5]])
    cv2.imwrite(str(folder / "photo.jpg"), photographed(row))
    for number, (image, label) in enumerate(zip(digits.validation.images, digits.validation.labels, strict=True)):
        (own / str(label)).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(own / str(label) / f"{number}.png"), image)


def main() -> None:
    """Take the walk in a clone that is removed afterwards."""
    parser = argparse.ArgumentParser()
    parser.add_argument("documents", nargs="*", type=Path)
    parser.add_argument("--borrow", action="store_true")
    parser.add_argument("--data", default="mnist", choices=["mnist", "digits"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        clone, own = Path(text) / "mnist_mlflow", Path(text) / "digits"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        draw_pictures(clone, own)
        if options.borrow:
            borrow_environment(clone)
        path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(sys.prefix))
        variables = {name: os.environ[name] for name in KEPT if name in os.environ} | {"PATH": path}
        walk = Walk(clone, variables | {"XDG_CACHE_HOME": f"{text}/cache"})
        try:
            names = {f"mnist+{OWN}": f"{options.data}+{own}", OWN: str(own)}
            take(walk, options.documents or [clone / name for name in DOCUMENTS], names)
        finally:
            walk.end()
    print(f"{sum(walk.seconds.values()):7.1f} s  in all, {len(walk.seconds)} commands.")


if __name__ == "__main__":
    main()
