"""Two new members do what docs/team.md says, on a real server of their own."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

from tests.team import team_of
from tests.team_server import server_of_its_own
from tests.walk import steps, walk

Command = Callable[..., tuple[int, str, str]]


def test_all_that_the_document_says_works(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, and without pictures: `python -m tests.walk` does it as members do.

    Others' runs would take part in the decision: nobody else trains on this server.
    """
    typed = []
    monkeypatch.chdir(tmp_path)

    def type_command(words: list[str], variables: dict[str, str]) -> str:
        assert words[:3] == ["python", "-m", "mnist_mlflow"]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            status, output, errors = command(*words[3:])
        mlflow.set_tracking_uri(None)
        assert status == 0, f"{words}: {errors}"
        typed.append(words[3])
        return output

    with server_of_its_own() as server:
        team = team_of(server)
        walk(team, {"Ada": team.user("ada"), "Bob": team.user("bob")}, type_command)
    assert typed == ["logistic", "select", "evaluate", "knn", "compare", "select", "select", "report"]
    assert len(list(steps())) == len(typed)
    assert (tmp_path / "report.html").exists()
