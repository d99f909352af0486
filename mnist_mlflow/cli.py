"""The command line: one sub-command per entry point. The only room, with `console`, that parses or prints."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from mnist_mlflow.algorithms._ensemble import Params as EnsembleParams
from mnist_mlflow.algorithms.base import algorithm_names, get_algorithm
from mnist_mlflow.errors import Failure
from mnist_mlflow.parameters import Field, accepted, parse
from mnist_mlflow.protocol import Protocol, Search, Task

INTERRUPTED = 130
PROGRAM = "mnist-mlflow"
MLFLOW_DEFAULTS = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": str(sys.stderr.isatty()).lower(),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # MLflow's 7 take minutes to tell that a server is gone
}


class Accepted(click.ParamType[Any]):
    """What a field of a dataclass accepts."""

    def __init__(self, field: Field) -> None:
        self.field, self.name = field, type(field.default).__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as the field's type."""
        try:
            return parse(self.field, value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _options(kind: type[Any], names: tuple[str, ...] = ()) -> list[click.Parameter]:
    """An option for each field of a dataclass (or for some), spelled like the field, absent unless given."""
    return [
        click.Option(
            [f"--{field.name}", field.name],
            type=Accepted(field),
            help=f"{field.metadata['meaning']}: {accepted(field)}  [default: {field.default}]",
        )
        for field in dataclasses.fields(kind)
        if not names or field.name in names
    ]


def _given(kind: type[Any], options: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in options.items() if name in names and value is not None}


def _protocol(options: dict[str, Any]) -> Protocol:
    return Protocol(**_given(Protocol, options))


def _algorithm_command(name: str) -> click.Command:
    algorithm = get_algorithm(name)

    def run(**options: Any) -> None:
        from mnist_mlflow.console import show_outcome, work_display
        from mnist_mlflow.training import train

        task = Task(name, _given(algorithm.Params, options), _protocol(options), Search(**_given(Search, options)))
        with work_display() as progress:
            outcome = train(task, progress)
        show_outcome(name, outcome)

    help_text = "\b\n" + algorithm.__doc__.replace("\n\n", "\n\n\b\n")
    params = [option for kind in (Protocol, Search, algorithm.Params) for option in _options(kind)]
    return click.Command(name, callback=run, params=params, help=help_text)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="mnist-mlflow")
def commands() -> None:
    """Train classifiers of handwritten digits under one protocol, and keep one champion."""


def _with_options(names: tuple[str, ...] = (), kind: type[Any] = Protocol) -> Callable[[click.Command], click.Command]:
    def add(command: click.Command) -> click.Command:
        command.params += _options(kind, names)
        return command

    return add


@_with_options(kind=Search)
@_with_options()
@commands.command("main")
@click.option("--algorithms", default="all", show_default=True, help="which ones, separated by commas")
def main_command(algorithms: str, **options: Any) -> None:
    """Train all algorithms, each in a run of its own, then select the champion."""
    from mnist_mlflow.console import show_selection, work_display
    from mnist_mlflow.pipeline import SomeFailed, parse_algorithms, run_all

    names = parse_algorithms(algorithms)
    try:
        with work_display() as progress:
            selection = run_all(names, _protocol(options), Search(**_given(Search, options)), progress)
    except SomeFailed as error:
        show_selection(error.selection)
        raise
    show_selection(selection)


@_with_options(("data", "split_seed"))
@commands.command("ensemble", params=list(_options(EnsembleParams)))
def ensemble_command(**options: Any) -> None:
    """Let the finished models that do best together on the tuning slice vote, as a model of its own."""
    from mnist_mlflow.console import show_outcome, work_display
    from mnist_mlflow.ensembling import combine

    protocol, params = _protocol(options), EnsembleParams(**_given(EnsembleParams, options))
    with work_display() as progress:
        outcome = combine(protocol.data, protocol.split_seed, params.members, progress)
    show_outcome("ensemble", outcome)


@_with_options(("data", "split_seed"))
@commands.command("select")
def select_command(**options: Any) -> None:
    """Rank the finished runs, register the best as champion, then score all of them on the test images."""
    from mnist_mlflow.console import show_selection, work_display
    from mnist_mlflow.selection import select

    protocol = _protocol(options)
    with work_display() as progress:
        selection = select(protocol.data, protocol.split_seed, progress)
    show_selection(selection)


@_with_options(("data", "split_seed"))
@commands.command("evaluate")
@click.option("--model", required=True, help="its URI, for example models:/mnist-digits@champion")
def evaluate_command(model: str, **options: Any) -> None:
    """Score any logged or registered model on the test images."""
    from mnist_mlflow.console import show_metrics, work_display
    from mnist_mlflow.scoring import evaluate

    protocol = _protocol(options)
    with work_display() as progress:
        metrics = evaluate(model, protocol.data, protocol.split_seed, progress)
    show_metrics(model, metrics)


for _name in algorithm_names():
    commands.add_command(_algorithm_command(_name))


def main() -> None:
    """Run the command line; errors of the person who typed are a line or two, and an exit status of 2 or 1."""
    for variable, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(variable, value)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        commands.main(prog_name=PROGRAM, standalone_mode=False)
    except click.UsageError as error:
        _refuse(f"{error.format_message()}\n{_what_is_accepted(error)}", error.exit_code)
    except Failure as error:
        _refuse(str(error), error.exit_status)
    except click.Abort:
        _refuse("Interrupted.", INTERRUPTED)


def _what_is_accepted(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchCommand):
        return f"Accepted: {', '.join(sorted(commands.commands))}"
    return f"Help: {error.ctx.command_path if error.ctx else PROGRAM} --help"


def _refuse(message: str, exit_status: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    if os.environ.get("MLFLOW_RUN_ID"):  # asked here, since MLflow takes seconds to import
        from mnist_mlflow.tracking.runs import fail_inherited_run

        fail_inherited_run(message.splitlines()[0])
    sys.exit(exit_status)
