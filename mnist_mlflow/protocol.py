"""The options that entry points share, and the commands that are made of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator

from mnist_mlflow.errors import UsageError
from mnist_mlflow.parameters import (
    DataAddress,
    OptionalReal,
    Several,
    choice,
    data_set,
    flag,
    integer,
    optional_real,
    parameters,
    parameters_of,
    pick,
    real,
    several,
    text,
    typed,
    word,
)

OBJECTIVES = ("log_loss", "accuracy", "log_loss,latency", "accuracy,latency")
NEW_STUDY = "auto"
ENSEMBLE = "ensemble"  # what a vote of models is called, where others have the name of their algorithm
REGISTERED_MODEL = "mnist-digits"
EXPERIMENT = "mnist-digits"  # where runs go unless somebody, or `mlflow run`, names another
CHAMPION = "champion"  # the alias of the model that is meant unless somebody names another
PREFERENCES = ("accuracy", "latency", "size")
COMMAND = re.compile(r"mlflow run \.(?: -e (\w+))? --env-manager local(.*)", re.DOTALL)
MOST_SEEDS, LARGEST_SEED = 100, 2**31 - 1
SEEDS = f"2 to {MOST_SEEDS} different whole numbers with commas between them, like 0,1,2 (one alone: seed=0)"
CLUSTERS = r"|auto|(ray://)?(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}"
ISO_TIME = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?"


@parameters
class SplitOptions:
    """The data set and its split: the images that a model is scored on."""

    data: DataAddress = data_set("the data set; auto is mnist, or digits where mnist cannot be had")
    split_seed: int = integer(0, 0, 2**31 - 1, "drives the split, and nothing else")


@parameters
class SureOptions:
    """The answers of a model that count as sure."""

    max_error: float = real(0.001, 0.0, 1.0, "the share of wrong ones that is allowed among the answers that are sure")


@parameters
class DataOptions(SureOptions, SplitOptions):
    """The options of every algorithm."""

    train_size: int = integer(0, 0, 2**31 - 1, "how many images to learn from, at most those of the data set; 0: all")
    seed: int = integer(0, 0, LARGEST_SEED, "drives the learning")
    trials: int = integer(0, 0, 10_000, "how many sets of hyperparameters to try; 0: no search")


@parameters
class ReuseOptions:
    """The reuse of what was trained already."""

    needed: bool = flag(False, "1: train only what the store does not hold yet")


@parameters
class SearchOptions:
    """The options of a search."""

    timeout: float = real(0.0, 0.0, 1e7, "seconds after which the search ends; 0: no limit")
    workers: int = integer(1, 1, 256, "processes that try at the same time, each with its share of the cores")
    study: str = word(NEW_STUDY, "the study to continue, or the name of a new one; auto: a new one")
    objective: str = choice("log_loss", OBJECTIVES, "the goals on the tuning slice; of two, the knee is kept")
    cluster: str = text("", CLUSTERS, "auto, HOST:PORT or ray://HOST:PORT", "the Ray cluster to use, not this machine")

    def __post_init__(self) -> None:
        if self.cluster and self.workers > 1:
            raise UsageError(
                f"workers={self.workers} and cluster={self.cluster} do not go together: a cluster has as many workers "
                "as cores. Leave one of them out."
            )


def _check_seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if not 2 <= len(set(seeds)) == len(seeds) <= MOST_SEEDS or not 0 <= min(seeds) <= max(seeds) <= LARGEST_SEED:
        raise ValueError(SEEDS)
    return seeds


@parameters
class SeedsOptions:
    """The seeds of which each trains a model; none: one model, of `seed`."""

    seeds: Annotated[Several[int], AfterValidator(_check_seeds)] = several(
        (), SEEDS, "train once with each, as runs of one run; `workers` of them at the same time"
    )


@parameters
class Rule:
    """The choice among the models that are not significantly worse than the best."""

    prefer: str = choice(
        "accuracy", PREFERENCES, "what decides among models that are not significantly worse than the best"
    )
    max_ms_per_image: float = real(0.0, 0.0, 1e6, "ms/image at most, measured on this machine; 0: any")
    max_mb: float = real(0.0, 0.0, 1e6, "size of the model at most; 0: any")
    max_ece: float = real(0.0, 0.0, 1.0, "calibration error on the validation images at most; 0: any")
    min_coverage: float = real(0.0, 0.0, 1.0, "share of the validation images at least that are sure; 0: any")


@parameters
class SelectOptions:
    """The effect of a selection."""

    dry_run: bool = flag(False, "1: decide, write the decision down, and change nothing")
    apply: str = text("", ".*", "the name of a dry run: its id, or the beginning of it", "carry out what it decided")
    rollback: bool = flag(False, "1: put the previous champion back, and decide nothing")
    reason: str = text("", r"[^\r\n]{0,500}", "one line of at most 500 characters", "why, for the tag `signatures`")


@parameters
class AlgorithmNames:
    """Algorithms by their names."""

    algorithms: str = text("all", r"\w+( *, *\w+)*", "all, or some names, separated by commas", "which algorithms")


@parameters
class ExperimentOptions:
    """The experiment that a command is about; empty: all of them."""

    experiment: str = text(
        "",
        ".*",
        "the name of an experiment",
        "where the runs go; where runs take part or are listed, those of this experiment alone",
    )


@parameters
class RegisteredOptions:
    """The registered model that a command is about."""

    registered_model: str = word(REGISTERED_MODEL, "the registered model that has the champion")


@parameters
class ModelOptions(RegisteredOptions):
    """The model that a command is about."""

    model: str = text(CHAMPION, ".+", "an alias, or the URI or folder of a model", "the model that reads")


@parameters
class ReaderOptions(ModelOptions):
    """The model that reads, and the answers of it that count as sure."""

    max_error: OptionalReal = optional_real(
        0.0, 1.0, "the share of wrong ones that is allowed among the sure answers; nothing: the model's own"
    )


@parameters
class Names(RegisteredOptions, ExperimentOptions):
    """The registered model and the experiment that a command is about."""

    def command(self, entry_point: str, settings: Mapping[str, object] = MappingProxyType({})) -> str:
        """The shell command that runs an entry point with these settings and names."""
        return command(entry_point, {**settings, **changed(pick(Names, vars(self)))})


@parameters
class Scope(AlgorithmNames, ExperimentOptions):
    """Filters of the runs that may become champion."""

    since: str = text("", rf"|{ISO_TIME}", "a date, or a time like 2026-11-24T08:30", "runs that began then or later")
    where: str = text("", ".*", "a filter in MLflow's language", 'for example "metrics.val_log_loss < 0.05"')


def changed(settings: Any) -> dict[str, object]:
    """The parameters that differ from their defaults."""
    return {
        parameter.name: value
        for parameter in parameters_of(type(settings))
        if (value := getattr(settings, parameter.name)) != parameter.default
    }


def command(entry_point: str, settings: Mapping[str, object]) -> str:
    """The shell command that runs an entry point with these settings."""
    options = (f" -P {shlex.quote(f'{name}={typed(value)}')}" for name, value in settings.items())
    name = "" if entry_point == "main" else f" -e {shlex.quote(entry_point)}"
    return f"mlflow run .{name} --env-manager local{''.join(options)}"


def parse_command(text: str) -> tuple[str, dict[str, str]]:
    """The entry point and the settings in a shell command that `command` wrote; raises UsageError for any other."""
    matched = COMMAND.fullmatch(text)
    try:
        words = shlex.split(matched[2]) if matched else [""]
        settings = dict(word.split("=", 1) for word in words[1::2])
    except ValueError:  # a quotation without an end, a word without "="
        words = [""]
    if not matched or words[::2] != ["-P"] * (len(words) // 2):
        raise UsageError(f"{text!r} is not understood; accepted: {command('ALGORITHM', {'NAME': 'VALUE'})}")
    return matched[1] or "main", settings
