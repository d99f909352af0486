"""Commands as they are typed in this shell: by the right Python, and on lines that can be pasted."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

from mnist_mlflow.errors import UsageError
from mnist_mlflow.protocol import parse_command

MODULE = "-m mnist_mlflow"
# A command stands at the end of a line, behind a colon.
AT_END = re.compile(r"(?<=: )(?:(?:mlflow|pip|mkdir|export|unset|git|ray) |python -m ).+$")
BY_PYTHON = re.compile(r"((?:[A-Z_]+=\S* )*)((?:mlflow|pip) .*)")  # programs beside this Python, behind variables
MADE_BY_MLFLOW = "mlflow-"  # begins the names of environments of `mlflow run`, which are active in its child alone
WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")  # of a command, with its quotes
INDENT = "    "


def python_here() -> str:
    """The word that starts this Python: `python` where its environment is active in the shell, else by its path."""
    prefix = Path(sys.prefix)
    is_active = sys.prefix in (os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX"))
    if is_active and not prefix.name.startswith(MADE_BY_MLFLOW):
        return "python"
    program, first = Path(sys.executable), shutil.which("python")
    if sys.prefix == sys.base_prefix and first and Path(first).parent == program.parent:
        return "python"  # of an environment the path alone tells nothing: `make` puts it there for itself
    path = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    return shlex.quote(path.as_posix())


def typed_here(command: str) -> str:
    """A command as it works here: a command of this program as a sub-command, which needs neither MLproject nor conda.

    Runs and documents keep the form that `mlflow run` takes, which is the same anywhere.
    """
    python = python_here()
    if command.startswith("mlflow run . "):
        try:
            name, settings = parse_command(command)
        except UsageError:
            return command  # of another program's run
        options = (f" --{key}={shlex.quote(value)}" for key, value in settings.items())
        return f"{python} {MODULE} {name}{''.join(options)}"
    if command.startswith("python "):
        return f"{python}{command.removeprefix('python')}"
    match = BY_PYTHON.fullmatch(command)
    return f"{match[1]}{python} -m {match[2]}" if match and python != "python" else command


def laid_out(text: str, width: int | None = None, hanging: str = "") -> list[str]:
    """The lines of a text, in which the command at the end of a line is as it works here.

    A line that is longer than a width is broken between words; further lines begin with `hanging`. Its command then
    comes on lines of its own.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        match = AT_END.search(line)
        prose, command = (line[: match.start()], typed_here(match[0])) if match else (line, "")
        if width is None or len(prose + command) <= width:
            lines.append(prose + command)
            continue
        lines += _wrapped(prose, width, hanging)
        lines += pasteable(command, width) if command else []
    return lines


def _wrapped(prose: str, width: int, hanging: str) -> list[str]:
    """Lines of words; one that is longer than the width, as an address is, stays whole."""
    wrapper = textwrap.TextWrapper(width, subsequent_indent=hanging, replace_whitespace=False)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(prose)


def pasteable(command: str, width: int, indent: str = INDENT) -> list[str]:
    """A command on lines of a width that can be pasted: broken between its words, by a backslash."""
    if len(indent) + len(command) <= width:
        return [f"{indent}{command}"]
    first, *words = WORD.findall(command)
    lines = [f"{indent}{first}"]
    for word in words:
        if len(f"{lines[-1]} {word} \\") > width:
            lines.append(f"{indent}{INDENT}{word}")
        else:
            lines[-1] += f" {word}"
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]
