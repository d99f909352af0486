"""The newcomer's walk: what it types, and when it stops."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.newcomer import Walk, commands_of, take

DOCUMENT = """
# Title

```bash
mkdir there && cd there      # a comment
printf '%s\\n' \\
    one
```

```text
not a command
```

<!-- not run: it takes hours -->
```bash
false
```

1. A list:

   ```bash
   echo two
   ```
"""


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    walk = Walk(tmp_path, {"PATH": os.environ["PATH"]})
    yield walk
    walk.end()


def test_the_commands_of_a_document_are_those_of_its_blocks() -> None:
    assert commands_of(DOCUMENT) == ["mkdir there && cd there", "printf '%s\\n' one", "echo two"]


def test_each_is_typed_once_in_one_shell(walk: Walk, tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("```bash\nmkdir there && cd there\nmkdir here\nmkdir here\n```")
    take(walk, [document], {"mkdir here": "mkdir now"})
    assert list(walk.seconds) == ["mkdir there && cd there", "mkdir now"]
    assert (tmp_path / "there" / "now").is_dir()


def test_what_the_output_offers_is_typed_too(walk: Walk, tmp_path: Path) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\n[ "$1" = -m ] && touch "$3"\n')
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "output").write_text("Next:\n    ./python -m mnist_mlflow report\n    mlflow.load(x)\n")
    (tmp_path / "document.md").write_text("```bash\ncat output\n```")
    take(walk, [tmp_path / "document.md"], {})
    assert list(walk.seconds) == ["cat output", "./python -m mnist_mlflow report"]
    assert (tmp_path / "report").exists()


def test_it_stops_where_a_command_fails(walk: Walk) -> None:
    with pytest.raises(SystemExit, match="It ended with 2: ls nothing-like-this"):
        walk.type("ls nothing-like-this")
