"""Accounts and permissions of a server with logins, for which MLflow has no commands.

`python -m deploy.accounts --help` lists the commands. Who asks is said as for every command of the project, by
MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
"""

import json
import secrets
from typing import Any

import click
import mlflow
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

LEVELS = click.Choice(["READ", "EDIT", "MANAGE", "DENY"])
KINDS = click.Choice(["experiment", "registered_model"])
LENGTH = 12  # bytes of a password that is drawn


@click.group()
def main() -> None:
    """Make accounts and say who may do what."""


@main.command()
@click.argument("names", nargs=-1, required=True)
def create(names: tuple[str, ...]) -> None:
    """Make accounts, and print each with the password that was drawn for it."""
    for name in names:
        password = secrets.token_urlsafe(LENGTH)
        call("POST", "2.0/mlflow/users/create", username=name, password=password)
        click.echo(f"{name} {password}")


@main.command()
@click.argument("name")
@click.password_option("--current", prompt="Password until now", confirmation_prompt=False)
@click.password_option("--new", prompt="New password")
def password(name: str, current: str, new: str) -> None:
    """Change one's own password."""
    call("PATCH", "2.0/mlflow/users/update-password", username=name, password=new, current_password=current)


@main.command()
@click.argument("name")
@click.argument("kind", type=KINDS)
@click.argument("what")
@click.argument("level", type=LEVELS)
def grant(name: str, kind: str, what: str, level: str) -> None:
    """Let an account do that much with WHAT: an experiment or a registered model, by name."""
    target = {"resource_type": kind, "resource_id": id_of(kind, what)}
    call("POST", "3.0/mlflow/users/permissions/grant", username=name, permission=level, **target)


@main.command()
@click.argument("name")
@click.argument("kind", type=KINDS)
@click.argument("what")
def revoke(name: str, kind: str, what: str) -> None:
    """Take back what was granted."""
    target = {"resource_type": kind, "resource_id": id_of(kind, what)}
    call("POST", "3.0/mlflow/users/permissions/revoke", username=name, **target)


@main.command()
@click.argument("name")
@click.argument("grants", nargs=-1, required=True, metavar="KIND:WHAT:LEVEL...")
def role(name: str, grants: tuple[str, ...]) -> None:
    """Make a role, such as `role helpers 'run:*:EDIT' registered_model:mnist-digits:EDIT`; * is all of a kind."""
    parts = [text.split(":") for text in grants]
    if any(len(words) != 3 for words in parts):
        raise click.UsageError("A grant is KIND:WHAT:LEVEL, such as run:*:EDIT")
    made = call("POST", "3.0/mlflow/roles/create", name=name, workspace="default")["role"]["id"]
    for kind, what, level in parts:
        pattern = {"resource_type": kind, "resource_pattern": id_of(kind, what), "permission": level}
        call("POST", "3.0/mlflow/roles/permissions/add", role_id=made, **pattern)


@main.command()
@click.argument("name")
@click.argument("members", nargs=-1, required=True)
def assign(name: str, members: tuple[str, ...]) -> None:
    """Give a role to accounts."""
    roles = {role["name"]: role["id"] for role in call("GET", "3.0/mlflow/roles/list")["roles"]}
    if name not in roles:
        made = sorted(role for role in roles if not role.startswith("__"))  # those of single accounts begin so
        raise click.ClickException(f"There is no role {name}. There are: {', '.join(made) or 'none'}")
    for member in members:
        call("POST", "3.0/mlflow/roles/assign", username=member, role_id=roles[name])


def id_of(kind: str, what: str) -> str:
    """The name by which the server knows a thing: an experiment's is its number."""
    if kind != "experiment" or what == "*":
        return what
    experiment = mlflow.MlflowClient().get_experiment_by_name(what)
    if experiment is None:
        raise click.ClickException(f"There is no experiment {what}.")
    return str(experiment.experiment_id)


def call(method: str, path: str, **body: object) -> dict[str, Any]:
    """The answer of the server to a request."""
    host = get_default_host_creds(mlflow.get_tracking_uri())
    answer = http_request(host, f"/api/{path}", method, json=body or None, raise_on_status=False)
    if not answer.ok:
        raise click.ClickException(f"The server refuses: {reason(answer.text)}")
    return dict(answer.json()) if answer.text.strip() else {}


def reason(text: str) -> str:
    """The first line of what a server says in an error, which after it may go on about its database."""
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        message = text
    return str(message).strip().splitlines()[0] if str(message).strip() else "it does not say why"


if __name__ == "__main__":
    main(prog_name="python -m deploy.accounts")
