"""A walk through docs/team.md as two new members make it, typed from the document: `python -m tests.walk`."""

import os
import re
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.deploy.documents import TEXT, code_below
from tests.team import Account, Team, team_of
from tests.team_server import ROOT, server_of_its_own

Type = Callable[[list[str], dict[str, str]], str]  # types a command with variables, and returns what it prints

DAY = re.compile(r"^### (Ada|Bob) .*$", re.M)
RUN, DECISION = re.compile(r"\brun ([0-9a-f]{32})\b"), re.compile(r"\bapply=([0-9a-f]{32})\b")


def steps() -> Iterator[tuple[str, str]]:
    """Who types what, in the order of the document."""
    for heading in DAY.finditer(TEXT):
        for line in code_below(heading[0].removeprefix("### "), "bash").splitlines():
            yield heading[1], line


def variables(team: Team, account: Account) -> dict[str, str]:
    """The variables that a member is told to set, and no others, with the values of an account."""
    told = re.findall(r"\b([A-Z_]+)=", code_below("Log in", "bash"))
    return {name: team.variables(account)[name] for name in told}


def walk(team: Team, members: dict[str, Account], type_command: Type) -> None:
    """Type what the document says, with the names of runs that the commands before have printed."""
    model = f"first-day-{secrets.token_hex(3)}"  # a server has one of a name
    printed = {"RUN": "", "DECISION": ""}
    for person, line in steps():
        text = line.replace("first-day", model)
        for name, value in printed.items():
            text = re.sub(rf"\b{name}\b", value, text)
        output = type_command(shlex.split(text), variables(team, members[person]))
        for name, pattern in (("RUN", RUN), ("DECISION", DECISION)):
            printed[name] = (pattern.findall(output) or [printed[name]])[-1]


def main() -> None:
    """Take the walk on a server of its own, in processes."""

    def type_command(words: list[str], own: dict[str, str]) -> str:
        print("$", shlex.join(words), flush=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **own}
        command = [sys.executable, *words[1:]]
        done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, flush=True)
        return done.stdout

    with server_of_its_own() as server, tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        team = team_of(server)
        (create,) = re.findall(r"^python -m deploy.accounts create .*", code_below("Accounts", "bash"), re.M)
        made = type_command(shlex.split(create), team.variables(team.admin))
        accounts = [Account(*line.split()) for line in made.splitlines()]
        walk(team, {account.name.title(): account for account in accounts}, type_command)
    print("The walk is done.")


if __name__ == "__main__":
    main()
