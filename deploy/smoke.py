"""A smoke run of the server: trains, selects, and loads the champion through it, then deletes what it has made.

`python -m deploy.smoke`, as an ordinary account, which MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD name.
"""

import contextlib
import os
import secrets
import sys

import click
import mlflow
from mlflow.exceptions import MlflowException

from mnist_mlflow.cli.commands import commands
from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.defaults import set_defaults

FEWEST = 0.9  # of the images that the champion has to read right


def main() -> None:
    """Exit with a line that says what does not work, or that all does."""
    set_defaults()
    os.environ["MLFLOW_EXPERIMENT_NAME"] = name = f"smoke-{secrets.token_hex(4)}"
    try:
        right = train_and_read(name)
    except (UserFacingError, MlflowException, click.ClickException) as error:
        sys.exit(f"Error: {error}")
    finally:
        delete(name)
    if right < FEWEST:
        sys.exit(f"Error: the champion that came back reads {right:.0%} of the images.")
    click.echo(f"The server works: trained, selected, and loaded a champion that reads {right:.0%} of the images.")


def train_and_read(name: str) -> float:
    """The share of images that a champion of that name reads right, after a training and a selection."""
    commands.main(["logistic", "--data=digits", "--train_size=300"], standalone_mode=False)
    select = ["select", "--data=digits", f"--experiment={name}", f"--registered_model={name}"]
    commands.main(select, standalone_mode=False)
    images, labels = (part := load_dataset("digits").validation).images, part.labels
    champion = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    return float((champion.predict(images)["digit"].to_numpy() == labels).mean())


def delete(name: str) -> None:
    """Delete the registered model and the experiment of that name, as far as they are there."""
    client = mlflow.MlflowClient()
    with contextlib.suppress(MlflowException):
        client.delete_registered_model(name)
    with contextlib.suppress(MlflowException):
        if (experiment := client.get_experiment_by_name(name)) is not None:
            client.delete_experiment(experiment.experiment_id)


if __name__ == "__main__":
    main()
