"""The commands that are killed, each with what has to be true after a kill and after the command has ended."""

import os
import signal

import numpy as np

from mnist_mlflow.data import mnist
from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.interrupts import stop_on_signals
from mnist_mlflow.tracking import sending
from mnist_mlflow.tracking.parcels import unsent_parcels
from mnist_mlflow.types import silent
from tests.soak import promises
from tests.soak.arena import Arena
from tests.soak.forks import fork, wait_for_end
from tests.soak.mirror import Mirror
from tests.soak.moments import rehearse

TRAIN_SIZE = 200
TRIALS = 5
DIGITS = ("--data=digits", f"--train_size={TRAIN_SIZE}")
KNN = ("knn", *DIGITS, "--features=deskewed")
LOGISTIC = ("logistic", *DIGITS, "--features=pixels", "--max_iter=20")
POOR = ("forest", "--data=digits", "--train_size=100", "--n_estimators=1")


class Phase:
    """A command in its arena; but for `prepare`, its methods are called in forks."""

    words: tuple[str, ...] = ()

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def prepare(self) -> None:
        """Make what the command needs."""

    def act(self) -> None:
        """Do what is killed."""
        self.arena.type(*self.words)

    def look(self, leader: int, done: bool) -> str:
        """What the killed process left; raises AssertionError for what is lost, and for a run that lies."""
        self.arena.enter()
        return promises.look(leader, done)

    def finish(self) -> None:
        """Raise AssertionError unless all is well after the command was let go on to its end."""
        self.arena.enter()
        promises.nothing_is_open()

    def stop(self) -> None:
        """End what `prepare` has started."""

    def type(self, *words: str) -> None:
        """Type a command before the kills begin."""
        rehearse(lambda: self.arena.type(*words), self.arena.folder)


class Download(Phase):
    """The four files of MNIST from a mirror on loopback."""

    def __init__(self, arena: Arena) -> None:
        super().__init__(arena)
        self.mirror = Mirror(arena.folder / "mirror")

    def act(self) -> None:
        """Load what is downloaded first."""
        self._enter()
        stop_on_signals()
        mnist.load_mnist(silent)

    def _enter(self) -> None:
        self.arena.enter()
        setattr(mnist, "MIRRORS", (self.mirror.address,))  # noqa: B010
        mnist.DIGESTS.update(self.mirror.digests)

    def look(self, leader: int, done: bool) -> str:
        """The files under their own names are intact."""
        self._enter()
        paths = {name: path for name in mnist.DIGESTS if (path := mnist.find_file(name))}
        for name, path in paths.items():
            mnist.load_file(path, name)
        return f"{len(paths)} of 4 files"

    def finish(self) -> None:
        """All images are there, and nothing else."""
        self._enter()
        learning, _ = mnist.load_mnist(silent)
        assert np.array_equal(learning.images, self.mirror.images)
        left = [path.name for path in cache_folder().iterdir() if path.suffix not in (".gz", ".lock")]
        assert not left, f"left over: {left}"

    def stop(self) -> None:
        """End the mirror."""
        self.mirror.stop()


class Training(Phase):
    """A training, whose result may have reached its parcel when it is killed."""

    words = KNN

    def finish(self) -> None:
        """What reached a parcel is uploaded, and no parcel is left half filled."""
        self.arena.enter()
        kept = {folder.name for folder in unsent_parcels()}
        self.arena.type("recover")
        promises.are_finished(kept)
        promises.nothing_is_open()
        promises.look()
        left = [path.name for path in (self.arena.work / "unsent").iterdir() if path.name != ".lock"]
        assert not left, f"left over: {left}"


class Search(Phase):
    """A search, which goes on with its study after each kill."""

    words: tuple[str, ...] = (*LOGISTIC, f"--trials={TRIALS}", "--study=soak")

    def finish(self) -> None:
        """The study and its runs agree."""
        super().finish()
        promises.study_and_runs_agree("soak", TRIALS)


class Workers(Search):
    """A search with two processes beside its own."""

    words = (*Search.words, "--workers=2")


class Selection(Phase):
    """A selection that replaces a poor champion."""

    words = ("select", "--data=digits")

    def prepare(self) -> None:
        """Train a poor model, the champion, and a good one."""
        for words in (POOR, KNN, (*Selection.words, "--algorithms=forest")):
            self.type(*words)

    def look(self, leader: int, done: bool) -> str:
        """There is a champion, whatever else."""
        left = super().look(leader, done)
        promises.check_registry(settled=False)
        return left

    def finish(self) -> None:
        """The registry is whole."""
        super().finish()
        promises.check_registry(settled=True)
        promises.the_poor_one_is_replaced()


class Rollback(Selection):
    """A rollback to the poor champion."""

    words = ("select", "--rollback=1")

    def prepare(self) -> None:
        """Replace the poor champion first."""
        super().prepare()
        self.type(*Selection.words)

    def finish(self) -> None:
        """The registry is whole, whichever model is the champion."""
        Phase.finish(self)
        promises.check_registry(settled=True)


class Recover(Phase):
    """An upload of two results that were kept."""

    words = ("recover",)

    def prepare(self) -> None:
        """Train twice, and kill both before the model is logged."""
        for words in (KNN, LOGISTIC):
            status = wait_for_end(fork(lambda words=words: self._killed(*words), self.arena.folder))  # type: ignore[misc]
            assert status == -signal.SIGKILL

    def _killed(self, *words: str) -> None:
        setattr(sending, "log_model", lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))  # noqa: B010
        self.arena.type(*words)

    def look(self, leader: int, done: bool) -> str:
        """Each result is in the store or in its folder."""
        left = super().look(leader, done)
        promises.two_results()
        return left

    def finish(self) -> None:
        """Both results are in the store alone."""
        super().finish()
        promises.nothing_waits()
        promises.look()


# The phases, each with its share of a hundred kills, the longest first.
PHASES: dict[str, tuple[type[Phase], int]] = {
    "search with workers": (Workers, 8),
    "training": (Training, 24),
    "search": (Search, 20),
    "selection": (Selection, 14),
    "rollback": (Rollback, 4),
    "download": (Download, 20),
    "recover": (Recover, 10),
}
