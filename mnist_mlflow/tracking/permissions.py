"""Permissions of an account at a server with logins: asked for before anything is learned or changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking._tracking_service.utils import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.servers import REFUSED, is_server
from mnist_mlflow.tracking.store import store_address, store_uri

CURRENT = "/api/2.0/mlflow/users/current"
PERMISSION = "/api/3.0/mlflow/users/permissions/get"
MAY_CHANGE = ("EDIT", "MANAGE")


@dataclass(frozen=True)
class Account:
    """An account that is logged in at the server that is connected."""

    name: str
    is_admin: bool

    def permission(self, kind: str, what: str) -> str:
        """The permission on a `registered_model`, by its name, or an `experiment`, by its id."""
        if self.is_admin:
            return "MANAGE"
        answer = _ask(PERMISSION, username=self.name, resource_type=kind, resource_id=what)
        return str(answer["permission"]) if answer else "NO_PERMISSIONS"


def logged_in() -> Account | None:
    """The account that is logged in; None where nobody logs in, and everybody may do all."""
    if not is_server(store_address()):
        return None
    answer = _ask(CURRENT)
    return Account(answer["user"]["username"], answer["user"]["is_admin"]) if answer else None


def _ask(endpoint: str, **parameters: str) -> dict[str, Any] | None:
    """The server's answer; None where it has none, as one without logins."""
    answer = http_request(get_default_host_creds(store_address()), endpoint, "GET", params=parameters)
    return dict(answer.json()) if answer.ok else None


def check_may_change(registry: Registry) -> None:
    """Raise UserFacingError where the account may not change the registered model; one that is not there is nobody's.

    A server may refuse to tell whether there is a model that one may not see. Then it is made, which tells.
    """
    account = logged_in()
    if account is None or account.is_admin:
        return
    try:
        registry.client.get_registered_model(registry.name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return
        if error.error_code != REFUSED:
            raise
        may_write(registry.create)
    permission = account.permission("registered_model", registry.name)
    if permission not in MAY_CHANGE:
        raise UserFacingError(
            f"The account {account.name} may not change the registered model {registry.name} in {store_uri()}: it has "
            f"{permission}. Nothing was changed. Ask who manages it for EDIT, or see what would be chosen: "
            f"{registry.names.command('select', {'dry_run': 1})}"
        )


def may_write(write: Callable[[], object]) -> bool:
    """Write into a run that may be somebody else's; False where the account may only read it."""
    try:
        write()
    except MlflowException as error:
        if error.error_code != REFUSED:
            raise
        return False
    return True
