"""Artifact stores: a file fetched in one request; the libraries and credentials that clouds want, told in a line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from mnist_mlflow.errors import UserFacingError, one_line

EXTRAS = {"boto3": "s3", "botocore": "s3", "google": "gcs", "azure": "azure"}  # by the package that is missing
# Errors of these libraries, by name: importing the libraries to catch them would fail where they are missing.
CREDENTIALS = {
    "NoCredentialsError": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "ProfileNotFound": "Check AWS_PROFILE",
    "DefaultCredentialsError": "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    "Unauthorized": "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",  # MLflow asks without any
    "ClientAuthenticationError": "Set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY, or type: az login",
}


@contextlib.contextmanager
def explained(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Raise UserFacingError, with what to install or to set, where the artifact store of a run cannot be used."""
    try:
        yield
    except ImportError as error:
        package = _missing_package(error)
        extra = EXTRAS.get(package)
        name = f'"mnist-mlflow[{extra}]"' if extra else package
        install = f"Type: pip install {name}" if name else "Install it with pip"
        raise UserFacingError(
            f"The artifacts lie at {_address(client, run_id)}, and the library for that is missing "
            f"({one_line(error)}). {install}"
        ) from error
    except Exception as error:
        for kind in type(error).__mro__:
            if remedy := CREDENTIALS.get(kind.__name__):
                raise UserFacingError(
                    f"The artifacts lie at {_address(client, run_id)}, and no credentials for that are set "
                    f"({one_line(error)}). {remedy}"
                ) from error
        raise


def fetch_file(root: str, name: str, folder: Path) -> Path:
    """Fetch a file from an artifact location or a model's URI into a folder; returns its path there.

    MLflow's own way lists the folders around it first, and each list is a request.
    """
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    get_artifact_repository(root)._download_file(name, str(path))
    return path


def whereabouts(client: MlflowClient, run_id: str, name: str) -> str:
    """The path of an artifact of a run on this machine, or words for one that lies on another."""
    address = f"{_address(client, run_id)}/{name}"
    return str(local_file_uri_to_path(address)) if is_local_uri(address) else f"{name}, artifacts of run {run_id}"


def _address(client: MlflowClient, run_id: str) -> str:
    address: str = client.get_run(run_id).info.artifact_uri
    return address


def _missing_package(error: ImportError) -> str:
    if error.name:
        return error.name.partition(".")[0]
    # MLflow names the package in a sentence of its own where it is azure-identity.
    return "azure" if "azure" in str(error) else ""
