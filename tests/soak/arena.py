"""An arena: a folder with all that a command sees of the world, which can be put back as it was."""

import os
import shutil
import sys
from pathlib import Path

from mnist_mlflow.cli import commands
from mnist_mlflow.tracking import parcels

FOREIGN = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "OPTUNA_STORAGE", "MNIST_MLFLOW_DATA_DIR")


class Arena:
    """The folder of a phase: its store, studies, parcels, cache and temporary files."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder, self.work, self.saved = folder, folder / "work", folder / "saved"
        for name in ("cache", "tmp"):
            (self.work / name).mkdir(parents=True)
        shutil.copy(store, self.work / "mlflow.db")

    def save(self) -> None:
        """Keep the folder as it is."""
        shutil.copytree(self.work, self.saved)

    def restore(self) -> None:
        """Put the folder back as it was kept."""
        shutil.rmtree(self.work)
        shutil.copytree(self.saved, self.work)

    def enter(self) -> None:
        """Let this process, a fork, see nothing but the arena."""
        for name in FOREIGN:
            os.environ.pop(name, None)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{self.work}/mlflow.db"
        os.environ["XDG_CACHE_HOME"] = os.environ["XDG_DATA_HOME"] = str(self.work / "cache")
        os.environ["TMPDIR"] = str(self.work / "tmp")
        setattr(parcels, "project_root", lambda: self.work)  # noqa: B010

    def type(self, *words: str) -> None:
        """Do what a command does that somebody types here."""
        self.enter()
        sys.argv = ["mnist-mlflow", *words]
        commands.main()
