"""The parameters that every algorithm takes."""

import dataclasses
from dataclasses import dataclass

from mnist_mlflow.data import DATA
from mnist_mlflow.parameters import choice, integer


@dataclass(frozen=True)
class Protocol:
    """What every algorithm takes."""

    data: str = choice("auto", DATA, "the data set; auto is mnist, or digits where mnist cannot be had")
    train_size: int = integer(0, 0, 45_000, "how many images to learn from; 0: all")
    seed: int = integer(0, 0, 2**31 - 1, "drives the learning")
    split_seed: int = integer(0, 0, 2**31 - 1, "drives the split, and nothing else")
    trials: int = integer(0, 0, 10_000, "how many sets of hyperparameters to try; 0: no search")


def changed(protocol: Protocol) -> dict[str, object]:
    """What differs from the defaults."""
    defaults = dataclasses.asdict(Protocol())
    return {name: value for name, value in dataclasses.asdict(protocol).items() if value != defaults[name]}
