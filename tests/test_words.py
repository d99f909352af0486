from pathlib import Path

from tests.words import check_listed, check_python

GOOD = '''"""Sums of numbers: pure functions.

Source: A very long title of a paper that has many more words than a sentence in a docstring is allowed to have here.
"""
def total(values): return sum(values)
'''
BAD = f'''"""What is summed."""

def told(given):
    """Sum of all.

    {"word " * 21}.
    """
    return given  # whoever asks, anew
'''


def test_each_broken_rule_is_shown_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    found = sorted((line, text.split()[0]) for line, text in check_python(tmp_path / "bad.py"))
    assert found == [(1, "start"), (3, "name"), (3, "name"), (6, "split"), (8, "say"), (8, "say")]


def test_plain_words_pass(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    assert list(check_python(tmp_path / "good.py")) == list(check_listed(tmp_path / "good.py")) == []
