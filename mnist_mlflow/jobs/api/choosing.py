"""Choosing in Python: `select` among runs, and `compare` them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from mnist_mlflow.jobs.api.keywords import Address, with_options
from mnist_mlflow.protocol import REGISTERED_MODEL, Names, Rule, Scope, SelectOptions, SplitOptions
from mnist_mlflow.types import silent

if TYPE_CHECKING:
    from mnist_mlflow.jobs.applying import Applied
    from mnist_mlflow.jobs.compare import CompareResult
    from mnist_mlflow.jobs.rollback import Rollback
    from mnist_mlflow.jobs.select import Selection


@overload
def select(
    *,
    data: Address = ...,
    split_seed: int = ...,
    prefer: str = ...,
    max_ms_per_image: float = ...,
    max_mb: float = ...,
    max_ece: float = ...,
    min_coverage: float = ...,
    algorithms: str | Sequence[str] = ...,
    since: str = ...,
    where: str = ...,
    dry_run: bool = ...,
    experiment: str = ...,
    registered_model: str = ...,
    reason: str = ...,
) -> Selection: ...


@overload
def select(*, apply: str, experiment: str = ..., registered_model: str = ..., reason: str = ...) -> Applied: ...


@overload
def select(
    *, rollback: Literal[True], experiment: str = ..., registered_model: str = ..., reason: str = ...
) -> Rollback: ...


@with_options(SplitOptions, Rule, Scope, SelectOptions, Names)
def select(
    *,
    data: Address = "auto",
    split_seed: int = 0,
    prefer: str = "accuracy",
    max_ms_per_image: float = 0.0,
    max_mb: float = 0.0,
    max_ece: float = 0.0,
    min_coverage: float = 0.0,
    algorithms: str | Sequence[str] = "all",
    since: str = "",
    where: str = "",
    dry_run: bool = False,
    apply: str = "",
    rollback: bool = False,
    experiment: str = "",
    registered_model: str = REGISTERED_MODEL,
    reason: str = "",
) -> Selection | Applied | Rollback:
    """Choose the champion among the finished runs and register it, as the command `select` does.

    Returns a selection:

        alias        what the winner becomes: champion, or challenger where the champion stays
        model_uri    what MLflow loads the winner from
        version      its version, as text; None after a dry run
        table        the leaderboard, a DataFrame, the most accurate first
        sentences    the decision in words, by topic
        run_id       the run of the selection

    With `apply` or `rollback` it returns what was changed.

    Raises UsageError for options that are not accepted or do not go together. Raises UserFacingError where there is
    nothing to choose from.

        >>> import mnist_mlflow
        >>> selection = mnist_mlflow.select(data="digits", prefer="latency")
        >>> selection.alias, selection.model_uri
        ('champion', 'models:/mnist-digits/1')
    """
    options = locals()
    from mnist_mlflow.jobs.select import Params, run

    return run(Params(**options), silent)


@with_options(Names)
def compare(
    *runs: str, out: Address = "compare.html", experiment: str = "", registered_model: str = REGISTERED_MODEL
) -> CompareResult:
    """Compare two to eight runs, as the command `compare` does: by a paired test, image by image.

    `runs` are aliases, ids of runs or their beginnings, or URIs of models. `out` is the page that is written, with all
    that differs. Returns a result:

        answer       which run is better, in a sentence or two
        comparison   the same with its tables, as `sections`
        out          the path of the page

    Raises UserFacingError, before there is a run, for runs that are not there or cannot be compared.

        >>> import mnist_mlflow
        >>> tree = mnist_mlflow.train("forest", data="digits", train_size=200, n_estimators=1)
        >>> "is better than" in mnist_mlflow.compare("champion", tree.run_id).answer
        True
    """
    options = locals()
    from mnist_mlflow.jobs.compare import Params, run

    return run(Params(**options), silent)
