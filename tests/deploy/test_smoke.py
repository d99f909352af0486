"""The smoke run of deploy/, as an ordinary account on the real server."""

import pytest

from deploy import smoke
from tests.team import Account, Team


def test_it_trains_selects_and_loads_and_leaves_nothing(
    team: Team, nothing_is_drawn: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with team.as_user(team.user()) as client:
        smoke.main()
        said = capsys.readouterr().out
        assert "is champion" in said
        assert "The server works: trained, selected, and loaded a champion that reads 9" in said
        assert not [model for model in client.search_registered_models() if model.name.startswith("smoke-")]
        assert not [found for found in client.search_experiments() if found.name.startswith("smoke-")]


def test_it_fails_in_a_line_where_nobody_is_let_in(team: Team) -> None:
    with (
        team.as_user(Account("nobody", "some-password")),
        pytest.raises(SystemExit, match=r"Error: .* cannot be used: "),
    ):
        smoke.main()
