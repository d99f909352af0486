"""Downloads that survive bad mirrors, bad lines and another process that wants the same file."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from mnist_mlflow.errors import DataError
from mnist_mlflow.types import Progress

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
ATTEMPTS = 3
PAUSE = 1.0  # seconds after the first failure
TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two pieces of the answer


class DownloadError(DataError):
    """No mirror has the file."""


def fetch(target: Path, mirrors: tuple[str, ...], verify: Callable[[bytes], object], progress: Progress) -> None:
    """Download `target.name` from the first mirror whose content `verify` accepts.

    Asks each mirror three times, by turns: again a second after the first round, and two after the next. One process at
    a time downloads a file, which appears at `target` whole or not at all. Raises DownloadError with each mirror's
    reason.
    """
    from filelock import FileLock

    with FileLock(f"{target}.lock"):
        if target.is_file():
            return None
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            reasons = []
            for mirror in mirrors:
                try:
                    return _fetch_once(mirror + target.name, target, verify, progress)
                except (OSError, DataError) as error:
                    reason = error if isinstance(error, DataError) else type(error).__name__
                    reasons.append(f"{mirror}: {reason}")
    raise DownloadError(f"{target.name} could not be downloaded. " + "; ".join(reasons))


def _fetch_once(url: str, target: Path, verify: Callable[[bytes], object], progress: Progress) -> None:
    from pooch import HTTPDownloader

    partial = target.with_name(f".{target.name}.part")  # one name: what a killed process leaves is written over
    bar = _Bar(f"download {target.name}", progress)
    try:
        with contextlib.closing(bar):
            HTTPDownloader(progressbar=bar, timeout=TIMEOUT)(url, str(partial), None)
        verify(partial.read_bytes())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class _Bar:
    """Adapts our progress reports to the tqdm bar that pooch calls."""

    total = 0.0

    def __init__(self, what: str, progress: Progress) -> None:
        self.what, self.progress, self.done = what, progress, 0

    def update(self, n: int) -> None:
        self.done += n
        self.progress(self.what, self.done, int(self.total))

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        done = max(1, self.done)  # of nothing too: what is complete leaves the terminal
        self.progress(self.what, done, done)
