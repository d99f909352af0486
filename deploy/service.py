"""Runs a service of compose.yaml without containers: `python deploy/service.py SERVICE`, or `... SERVICE wait`.

Settings come from the environment, or from .env beside this file, as with `docker compose`.
`wait` waits until the service is healthy.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

FOLDER = Path(__file__).resolve().parent
VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")
WAIT = 120  # seconds until a service has to be healthy


class UnsetError(Exception):
    """A variable that has no default is not set."""


@dataclass(frozen=True)
class Service:
    """The command, variables and health check of a service."""

    command: list[str]
    variables: dict[str, str]
    check: list[str]


def read_service(name: str, environ: Mapping[str, str]) -> Service:
    """The service of that name, filled in from the environment."""
    content = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    stanza = _filled_in(content["services"][name], environ)
    variables = {key: environ.get(key) if value is None else value for key, value in stanza["environment"].items()}
    passed = {key: value for key, value in variables.items() if value is not None}  # one without a value is handed on
    return Service(stanza["command"], passed, stanza.get("healthcheck", {}).get("test", [])[1:])


def _filled_in(value: Any, environ: Mapping[str, str]) -> Any:
    """The value with the variables in all of its texts replaced."""

    def replace(match: re.Match[str]) -> str:
        variable, operator, word = match.groups()
        content = environ.get(variable, "")
        if not content and operator == ":?":
            raise UnsetError(f"{variable} is not set: {word}")
        return content or word or ""

    if isinstance(value, dict):
        return {key: _filled_in(part, environ) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled_in(part, environ) for part in value]
    return VARIABLE.sub(replace, value) if isinstance(value, str) else value


def is_healthy(service: Service) -> bool:
    """True if the service passes its check, which is a command of Python."""
    command = [sys.executable, *service.check[1:]]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait(service: Service) -> None:
    """Wait until the service is healthy."""
    end = time.monotonic() + WAIT
    while not is_healthy(service):
        if time.monotonic() > end:
            sys.exit(f"The service is not healthy after {WAIT} seconds.")
        time.sleep(0.5)


def settings() -> dict[str, str]:
    """The settings of this machine: from the environment, else from .env, else where containers keep things apart."""
    here = {
        "TEAM_FOLDER": str(FOLDER),
        "TEAM_DATABASE_HOST": "127.0.0.1",
        "TEAM_ARTIFACTS": str(FOLDER.parent / "artifacts"),
        "TEAM_BACKUPS": str(FOLDER.parent / "backups"),
    }
    written = {
        key: value for key, value in dotenv_values(FOLDER / ".env", interpolate=False).items() if value is not None
    }
    return {**here, **written, **os.environ}


def main() -> None:
    """Run the service that the command line names in the place of this process, or wait for it."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        service = read_service(sys.argv[1], settings())
    except UnsetError as error:
        sys.exit(str(error))
    if sys.argv[2:] == ["wait"]:
        wait(service)
    else:
        os.execvpe(service.command[0], service.command, {**os.environ, **service.variables})


if __name__ == "__main__":
    main()
