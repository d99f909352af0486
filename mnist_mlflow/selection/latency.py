"""How long models take on this machine, side by side: figures from different machines, or hours, do not compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.tracking.models import Answer, load_model
from mnist_mlflow.types import Images, Probabilities, Progress

ROUNDS = 7
BATCH = 1_000  # images


Check = Callable[
    [str, Probabilities], None
]  # raises UserFacingError for answers that a model of that name does not give


def measure(
    addresses: Mapping[str, str],
    images: Images,
    check: Check,
    progress: Progress,
    load: Callable[[str], Answer] = load_model,
) -> tuple[dict[str, float], dict[str, str]]:
    """Median milliseconds an image of models by name, from raw pixels on; and why some cannot be measured.

    Batches of a thousand, by turns, so that whatever else the machine does hits all alike.
    """
    batch = images[:BATCH]
    answers: dict[str, Answer] = {}
    broken: dict[str, str] = {}
    for number, (name, address) in enumerate(addresses.items(), 1):
        try:
            answers[name] = load(address)
            check(name, answers[name](batch))  # what is done once is not timed
        except UserFacingError as error:
            answers.pop(name, None)
            broken[name] = str(error)
        progress("load the finalists", number, len(addresses))
    seconds: dict[str, list[float]] = {name: [] for name in answers}
    for turn in range(ROUNDS):
        for name, answer in answers.items():
            seconds[name].append(_time(answer, batch))
        progress("measure their latency", turn + 1, ROUNDS)
    return {name: 1000 * median(found) / len(batch) for name, found in seconds.items()}, broken


def _time(answer: Answer, batch: Images) -> float:
    started = time.perf_counter()
    answer(batch)
    return time.perf_counter() - started
