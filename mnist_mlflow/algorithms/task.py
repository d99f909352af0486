"""A task: an algorithm with the settings to train it, as an object and as a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from mnist_mlflow.algorithms.base import get_algorithm, resolve
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.parameters import names_of, pick, typed
from mnist_mlflow.protocol import DataOptions, Names, SearchOptions, changed, command, parse_command

RECIPE = "recipe"  # the hyperparameter that brings defaults of others
# Settings that the name of a run leaves out, or puts into words: where it goes, and what a search works with.
NOT_IN_NAMES = {"seed", "trials", "data", "needed", *names_of(SearchOptions), *names_of(Names)}


@dataclass(frozen=True)
class Task:
    """An algorithm to train, with the hyperparameters that were typed; the others have their defaults.

    Raises UsageError for an algorithm or a value that is not accepted. It does so too where options say how to search
    and nothing is to be searched.
    """

    algorithm: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    protocol: DataOptions = field(default_factory=DataOptions)
    search: SearchOptions = field(default_factory=SearchOptions)

    def __post_init__(self) -> None:
        params = get_algorithm(self.algorithm).Params(**self.hyperparameters)
        checked = {name: getattr(params, name) for name in self.hyperparameters}
        object.__setattr__(self, "hyperparameters", checked)  # text becomes a number
        if not self.searches and (useless := changed(self.search)):
            raise UsageError(
                f"{', '.join(useless)} says how to search, and nothing is to be searched: "
                "add trials=30, or timeout=600."
            )

    @property
    def searches(self) -> bool:
        """True if hyperparameters are searched, up to a number of trials or for some time."""
        return bool(self.protocol.trials or self.search.timeout)

    @property
    def settings(self) -> dict[str, Any]:
        """The options that differ from their defaults, and the hyperparameters; inverse of `from_settings`."""
        return changed(self.protocol) | changed(self.search) | dict(self.hyperparameters)

    @property
    def name(self) -> str:
        """The name of its run: the algorithm and what differs from its defaults, like `svm C=10 seed 2`."""
        algorithm = get_algorithm(self.algorithm)
        recipe = {key: value for key, value in self.hyperparameters.items() if key == RECIPE}
        usual = resolve(algorithm, recipe)
        others = {key: value for key, value in self.hyperparameters.items() if value != getattr(usual, key)}
        special = [value for value in recipe.values() if value != getattr(algorithm.Params(), RECIPE)]
        return name_of(" ".join([self.algorithm, *special]), others | changed(self.protocol) | changed(self.search))

    def logged_params(self, params: Any) -> dict[str, object]:
        """The params of its run: the options, and all of the hyperparameters that it learns with."""
        searched = asdict(self.search) if self.searches else {}
        return asdict(self.protocol) | searched | asdict(params)

    def command(self) -> str:
        """The shell command that trains this; inverse of `from_command`."""
        return command(self.algorithm, self.settings)

    @classmethod
    def from_settings(cls, algorithm: str, settings: Mapping[str, Any]) -> Self:
        """The task with options and hyperparameters by their names; raises UsageError for what is not accepted."""
        options = {*names_of(DataOptions), *names_of(SearchOptions)}
        rest = {name: value for name, value in settings.items() if name not in options}
        return cls(algorithm, rest, pick(DataOptions, settings), pick(SearchOptions, settings))

    @classmethod
    def from_command(cls, text: str) -> Self:
        """The task that a command trains; raises UsageError for another command."""
        return cls.from_settings(*parse_command(text))

    @classmethod
    def from_run(cls, tags: Mapping[str, str]) -> Self:
        """The task of a training run, by its tag `command`; raises UserFacingError for a run without it."""
        if "command" not in tags:
            raise UserFacingError("The run has no tag `command`: it trained nothing, or an earlier version wrote it.")
        return cls.from_command(tags["command"])

    @classmethod
    def from_params(cls, algorithm: str, params: Mapping[str, str]) -> Self:
        """The task that trains the model of a run again: with the hyperparameters that it logged, and no search.

        Raises UsageError where this version does not accept them.
        """
        names = [*names_of(DataOptions), *names_of(get_algorithm(algorithm).Params)]
        logged = {name: params[name] for name in names if name in params}
        return cls.from_settings(algorithm, logged | {"trials": "0"})


def name_of(what: str, settings: Mapping[str, Any]) -> str:
    """The name of a run: what it does, and the settings that differ from their defaults."""
    words = [f"{key}={_short(value)}" for key, value in settings.items() if key not in NOT_IN_NAMES]
    seed, trials, seconds = (settings.get(key) for key in ("seed", "trials", "timeout"))
    words += [f"seed {seed}"] if seed else []
    words += [f"search of {trials} trials"] if trials else ["search"] if seconds else []
    words += [f"for {seconds:g} s"] if seconds else []
    return " ".join([what, *words])


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(typed(value))
