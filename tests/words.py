"""Plain words: `python -m tests.words` prints where docstrings, names and documents break the rules of "Words"."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTED = re.compile(r"\b(whoever|lest|anew|in the midst|nought)\b", re.I)
OPENINGS = {"What", "Who", "Whom", "Whose", "Whether", "How", "Where", "Which", "When", "It", "They", "There", "If"}
PARTICIPLES = {"found", "kept", "told", "asked", "ended", "known", "chosen", "begun", "tried", "seen", "said", "given"}
LONGEST = 20  # words of a sentence
Complaint = tuple[int, str]


def check_docstring(text: str) -> Iterator[Complaint]:
    """The complaints about a docstring, each with the number of its line, from 0."""
    first = text.split(maxsplit=1)[0].rstrip(",.:") if text.strip() else ""
    if first in OPENINGS:
        yield 0, f"start with a noun or a verb, not with {first!r}"
    for line, sentence in sentences(text):
        if (words := len(re.findall(r"\w[\w'-]*", sentence))) > LONGEST:
            yield line, f"split this sentence of {words} words: {' '.join(sentence.split())[:50]}..."


def sentences(text: str) -> Iterator[Complaint]:
    """The sentences of a docstring's prose with their lines: no code, lists, sources or indented blocks."""
    line = 0
    for paragraph in re.split(r"(\n\s*\n)", text):
        if not paragraph.startswith((" ", "- ", "|")):
            prose = re.sub(r"\bSources?:.*|``.*?``|`[^`]*`|\([^)]*\)", " X ", paragraph, flags=re.S)
            offset = 0
            for sentence in re.split(r"(?<=[.!?])\s+", prose):
                yield line + prose.count("\n", 0, offset), sentence
                offset += len(sentence) + 1
        line += paragraph.count("\n")


def check_names(tree: ast.Module) -> Iterator[Complaint]:
    """The complaints about variables, parameters and functions that are called by a participle alone."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                if name in PARTICIPLES:
                    yield node.lineno, f"name {name!r} after what it holds or returns"


def check_python(path: Path) -> Iterator[Complaint]:
    """The complaints about a file of the programs."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            for line, complaint in check_docstring(text):
                yield node.body[0].lineno + line, complaint
    yield from check_names(tree)
    yield from check_listed(path)


def check_listed(path: Path) -> Iterator[Complaint]:
    """The complaints about old words, wherever in a file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for word in LISTED.findall(line):
            yield number, f"say {word!r} in modern words"


def complaints() -> Iterator[str]:
    """All complaints about the project, each as path:line: what to do."""
    programs = [path for folder in ("mnist_mlflow", "benchmarks", "deploy") for path in (ROOT / folder).rglob("*.py")]
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    texts += [path for path in (ROOT / "tests").rglob("*.py") if path.stem not in ("words", "test_words")]
    for paths, check in ((programs, check_python), (texts, check_listed)):
        for path in sorted(paths):
            yield from (f"{path.relative_to(ROOT)}:{line}: {text}" for line, text in sorted(check(path)))


if __name__ == "__main__":
    lines = list(complaints())
    print(*lines, sep="\n", end="\n" if lines else "")
    sys.exit(bool(lines))
