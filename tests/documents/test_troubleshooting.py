"""Every message that docs/troubleshooting.md quotes is one that the program prints, or the program that it names."""

import ast
import re
from pathlib import Path

import mlflow
import pytest

from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
FOREIGN, OURS, _ = re.split(r"^## (?:Data|No message)", DOCUMENT, flags=re.M)
OF_OTHERS = {"No module named …", "mlflow: command not found", "Address already in use"}  # Python's and the shell's
OF_MLFLOW = ("utils/conda.py", "server/security_utils.py")


def quoted(section: str) -> list[str]:
    """The messages in the first column of the tables."""
    cells = re.findall(r"^\| (`.*?) \|", section, re.M)
    return [message for cell in cells for _, message in re.findall(r"(`+)(.+?)\1", cell)]


def messages(path: Path) -> set[str]:
    """The texts of a program, with an ellipsis for each value in them."""
    texts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            texts.add("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(" ".join(re.sub("%[sd]", "…", node.value).split()))
    return texts


PRINTED = {text for path in (ROOT / "mnist_mlflow").rglob("*.py") for text in messages(path)}
PRINTED_BY_MLFLOW = {text for name in OF_MLFLOW for text in messages(Path(mlflow.__file__).parent / name)}


def is_printed(message: str, texts: set[str]) -> bool:
    """True for a message that is part of a text; its last ellipsis may stand for more."""
    return any(message.removesuffix("…").strip() in text for text in texts)


@pytest.mark.parametrize("message", quoted(OURS))
def test_a_message_of_ours_is_in_the_code(message: str) -> None:
    assert is_printed(message, PRINTED)


@pytest.mark.parametrize("message", sorted(set(quoted(FOREIGN)) - OF_OTHERS))
def test_a_message_of_mlflow_is_in_its_code(message: str) -> None:
    assert is_printed(message, PRINTED_BY_MLFLOW)
