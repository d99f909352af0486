from pathlib import Path

import pytest

from mnist_mlflow.errors import without_passwords
from tests.conftest import python


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("in http://alice:secret@host:5000/api failed", "in http://alice:***@host:5000/api failed"),
        ("postgresql+psycopg://u:se%40cret@h/db", "postgresql+psycopg://u:***@h/db"),
        ("postgresql://u:se@cr/et@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:1234@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg://u:12/34@h/db", "postgresql+psycopg://u:***@h/db"),
        ("postgresql://h:5432/db", "postgresql://h:5432/db"),
        ("http://:secret@host", "http://:***@host"),
        ("postgresql://h/db?user=u&password=secret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("http://a:one@h and https://b:two@h", "http://a:***@h and https://b:***@h"),
        ("http://host:5000/#/experiments", "http://host:5000/#/experiments"),
        ("http://host:5000/users/me@example.org", "http://host:5000/users/me@example.org"),
        ("models:/mnist-digits@champion", "models:/mnist-digits@champion"),
        ("sqlite:////home/me@here/mlflow.db", "sqlite:////home/me@here/mlflow.db"),
    ],
)
def test_passwords_of_addresses_are_not_shown(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


CELL = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
InteractiveShell(config=config).run_cell("import mnist_mlflow; mnist_mlflow.train('svn')")
"""


def test_a_notebook_shows_an_error_as_one_line(tmp_path: Path) -> None:
    (line,) = python(CELL, tmp_path, IPYTHONDIR=str(tmp_path)).splitlines()
    assert line.startswith("Error: There is no algorithm 'svn' (did you mean 'svm'?)")
