"""The reference of the Python API, from signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import textwrap

import mnist_mlflow

ABOUT = """# Python

The functions take the [options of the commands](commands.md) as arguments, with the same names and defaults, and use
the same store. They print nothing. `help(mnist_mlflow.train)` says all of this in Python, the options included.

What goes wrong is a `UserFacingError`, whose message says what was wrong, what is accepted and what to type. Two kinds
of it are `UsageError`, of an argument, and `ImageError`, of what are no images:
`from mnist_mlflow.errors import ImageError, UsageError, UserFacingError`."""
TESTED = "<!-- run by tests/jobs/api/test_api.py -->\n"


def python_page() -> str:
    """The reference of the functions of the package."""
    return "\n\n".join([ABOUT, *map(_function, mnist_mlflow.__all__)]) + "\n"


def _function(name: str) -> str:
    function = getattr(mnist_mlflow, name)
    given = inspect.signature(function).parameters.values()
    plain = inspect.Signature([one.replace(annotation=inspect.Parameter.empty) for one in given])
    text = str(inspect.getdoc(function)).partition("\n\nOptions:")[0]
    body = re.sub(r"(?:^    .*\n?)+", _as_block, text, flags=re.M)
    call = "\n".join(textwrap.wrap(f"mnist_mlflow.{name}{plain}", 100, subsequent_indent=" " * 4))
    return f"## {name}\n\n```text\n{call}\n```\n\n{body.rstrip()}"


def _as_block(block: re.Match[str]) -> str:
    """An example as a session of Python, anything else as it stands."""
    code = re.sub(r"^    ", "", block[0], flags=re.M).rstrip()
    return f"{TESTED}```pycon\n{code}\n```\n" if code.startswith(">>>") else f"```text\n{code}\n```\n"
