"""The settings of the server: in the compose file alone, and refused where one is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from benchmarks.measure.team_server import HERE, SECRETS
from deploy.service import FOLDER, UnsetError, read_service
from tests.conftest import ROOT

COMPOSE = (FOLDER / "compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
GIVEN = {**SECRETS, **HERE}
SCRIPTS = sorted(FOLDER.glob("*.sh"))
HEALTHY = {"condition": "service_healthy"}


@pytest.mark.parametrize("name", [*SECRETS, "TEAM_HOSTS"])
def test_no_password_key_or_name_has_a_default(name: str) -> None:
    """Compose refuses to start if a variable with `:?` is not set, or empty."""
    assert re.search(rf"\$\{{{name}:\?", COMPOSE)
    assert not re.search(rf"\$\{{{name}:-", COMPOSE)
    users = [service for service in SERVICES if f"${{{name}:?" in str(SERVICES[service])]
    for given in ({}, {name: ""}):
        with pytest.raises(UnsetError, match=f"{name} is not set: "):
            read_service(users[0], {**{key: value for key, value in GIVEN.items() if key != name}, **given})


def test_the_server_starts_after_the_migrations_and_these_after_the_database() -> None:
    assert SERVICES["server"]["depends_on"] == {
        "postgres": HEALTHY,
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert all(SERVICES[name]["depends_on"] == {"postgres": HEALTHY} for name in ("migrate", "backup", "restore"))
    assert SERVICES["postgres"]["healthcheck"]
    assert SERVICES["server"]["healthcheck"]


def test_the_server_answers_to_its_names_with_their_port_alone() -> None:
    command = read_service("server", {**GIVEN, "TEAM_PORT": "80", "TEAM_HOSTS": "team.example:80"}).command
    assert "--allowed-hosts=localhost:80,127.0.0.1:80,team.example:80" in command
    assert "--port=80" in command


def test_no_secret_stands_in_a_command_where_every_user_of_the_machine_reads_it() -> None:
    commands = [part for name in SERVICES if name != "postgres" for part in read_service(name, GIVEN).command]
    assert commands
    assert not [part for part in commands for secret in SECRETS.values() if secret in part]


def test_variables_without_a_value_are_handed_on_if_they_are_set() -> None:
    assert "AWS_ACCESS_KEY_ID" not in read_service("server", GIVEN).variables
    assert read_service("server", {**GIVEN, "AWS_ACCESS_KEY_ID": "k"}).variables["AWS_ACCESS_KEY_ID"] == "k"


def test_a_debian_machine_has_no_settings_but_those_of_the_compose_file() -> None:
    """Its script and its unit start the service `server` as the compose file describes it."""
    unit, script = (FOLDER / "mnist-mlflow.service").read_text(), (FOLDER / "debian.sh").read_text()
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    assert start.endswith("/deploy/service.py server")
    assert '"$home/deploy/service.py" server >>' in script
    assert '"$home/deploy/service.py" migrate' in script
    for text in (unit, script):
        assert "Environment" not in text
        assert not re.findall(r"MLFLOW_\w+|mlflow server", text)


def secrets(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run(
        [FOLDER / "secrets.sh"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_drawn_secrets_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    typed = {"TEAM_HOSTS": "team.example:5000", "TEAM_ADMIN_PASSWORD": 'a ${HOME} "b" \\ c', "TEAM_PORT": "5001"}
    first, second = (secrets(tmp_path, **typed) for _ in range(2))
    (tmp_path / ".env").write_text(first.stdout)
    written = dotenv_values(tmp_path / ".env", interpolate=False)
    assert written.items() >= typed.items()
    assert written.keys() == {*SECRETS, *typed}
    drawn = SECRETS.keys() - typed.keys()
    assert not {written[name] for name in drawn} & set(re.findall(r"'(.*)'", second.stdout))
    shell = f"set -a; . ./.env; exec {sys.executable} -c 'import os; print(os.environ[\"TEAM_ADMIN_PASSWORD\"])'"
    read = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert read.stdout.rstrip("\n") == typed["TEAM_ADMIN_PASSWORD"]


@pytest.mark.parametrize("password", ["", "short", "a quote' in it"])
def test_a_password_that_the_server_or_a_file_would_not_take_is_refused(tmp_path: Path, password: str) -> None:
    done = secrets(tmp_path, TEAM_HOSTS="team.example:5000", TEAM_ADMIN_PASSWORD=password)
    assert done.returncode
    assert not done.stdout
    assert "of 12 characters" in done.stderr or "has to have 12 characters" in done.stderr


def test_the_image_holds_what_the_project_pins() -> None:
    wanted = {line for line in (FOLDER / "server.txt").read_text().splitlines() if not line.startswith("#")}
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text(), re.M))
    assert {name.split("[")[0] for name in wanted} <= pinned
    copied = set(re.findall(r"(requirements\.txt|deploy/[\w.]+\w)", (FOLDER / "Dockerfile").read_text()))
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().split()
    assert copied == {line.removeprefix("!") for line in ignored if line != "*"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run_and_stop_at_the_first_error(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text()
    subprocess.run(["bash", "-n", script], check=True)
