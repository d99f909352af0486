"""The model registry: one registered model, whose champion everybody loads."""

from __future__ import annotations

from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

REGISTERED_MODEL = "mnist-digits"
CHAMPION, PREVIOUS = "champion", "previous"
CHAMPION_URI = f"models:/{REGISTERED_MODEL}@{CHAMPION}"


def register_champion(
    client: mlflow.MlflowClient, model_id: str, run_id: str, description: str, tags: Mapping[str, object]
) -> int:
    """Give a logged model the alias `champion`; returns its version.

    A model that is the champion already stays the version that it is. The champion before it becomes `previous`.
    """
    current = _version_of(client, CHAMPION)
    if current is not None and current.run_id == run_id:
        return int(current.version)
    version = mlflow.register_model(
        f"models:/{model_id}", REGISTERED_MODEL, tags={key: str(value) for key, value in tags.items()}
    ).version
    client.update_model_version(REGISTERED_MODEL, version, description)
    if current is not None:
        client.set_registered_model_alias(REGISTERED_MODEL, PREVIOUS, current.version)
    client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version)
    return int(version)


def tag_version(client: mlflow.MlflowClient, version: int, tags: Mapping[str, object]) -> None:
    """Set tags of a version of the registered model."""
    for key, value in tags.items():
        client.set_model_version_tag(REGISTERED_MODEL, str(version), key, str(value))


def _version_of(client: mlflow.MlflowClient, alias: str) -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias(REGISTERED_MODEL, alias)
    except MlflowException:
        return None
