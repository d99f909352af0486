"""The command line: one sub-command for each job and each algorithm, made from its docstring and its parameters."""

from __future__ import annotations

import ast
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import click

from mnist_mlflow.algorithms import base
from mnist_mlflow.cli.options import options
from mnist_mlflow.cli.shell import MODULE, python_here
from mnist_mlflow.errors import UserFacingError, without_passwords
from mnist_mlflow.interrupts import stop_on_signals
from mnist_mlflow.jobs import get_job, job_docstrings
from mnist_mlflow.processes import complete_environment, end_with_launcher
from mnist_mlflow.protocol import DataOptions, ReuseOptions, SearchOptions, SeedsOptions
from mnist_mlflow.search.cores import respect_quota
from mnist_mlflow.tracking.defaults import set_defaults

INTERRUPTED = 130


class LazyCommand(click.Command):
    """A command whose module is imported when its options are needed: the list of commands imports none."""

    def __init__(self, name: str, text: str, run: Callable[..., None], kinds: Callable[[], Sequence[type]]) -> None:
        super().__init__(name, help=text, callback=run)
        self.kinds = kinds

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options, one for each parameter."""
        if not self.params:
            self.params = [option for kind in self.kinds() for option in options(kind)]
        return super().get_params(ctx)


def job_command(name: str, docstring: str) -> click.Command:
    """The command of an entry point that is no algorithm."""

    def run(**values: Any) -> None:
        from mnist_mlflow.cli import console
        from mnist_mlflow.cli.terminal import work_display

        job = get_job(name)
        with work_display() as progress:
            result = job.run(job.Params(**_typed(values)), progress)
        getattr(console, f"show_{name}")(result)

    return LazyCommand(name, docstring, run, lambda: [get_job(name).Params])


def algorithm_command(name: str) -> click.Command:
    """The command that trains an algorithm."""

    def run(**values: Any) -> None:
        train = _train_seeds if values["seeds"] else _train
        train(name, _typed(values))

    docstring = (
        ast.get_docstring(ast.parse((Path(base.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))) or ""
    )
    text = "\b\n" + docstring.replace("\n\n", "\n\n\b\n")  # whose lines click leaves as they are
    kinds = [DataOptions, SeedsOptions, ReuseOptions, SearchOptions]
    return LazyCommand(name, text, run, lambda: [*kinds, base.get_algorithm(name).Params])


def _train(name: str, settings: dict[str, Any]) -> None:
    from mnist_mlflow.algorithms.task import Task
    from mnist_mlflow.cli import console
    from mnist_mlflow.cli.terminal import work_display
    from mnist_mlflow.jobs.reuse import train_if_needed
    from mnist_mlflow.jobs.train import train

    start = train_if_needed if settings.pop("needed", False) else train
    task = Task.from_settings(name, settings)
    with work_display() as progress:
        result = start(task, progress)
    console.show_train(name, result)


def _train_seeds(name: str, settings: dict[str, Any]) -> None:
    from mnist_mlflow.cli import console
    from mnist_mlflow.cli.terminal import work_display
    from mnist_mlflow.jobs.seeds import SeedsTask, train_seeds

    is_reusing = settings.pop("needed", False)
    task = SeedsTask.from_settings(name, settings)
    with work_display() as progress:
        result = train_seeds(task, progress, is_reusing)
    console.show_seeds(name, result)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """The options that somebody typed, without those that keep their defaults."""
    return {name: value for name, value in values.items() if value is not None}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="mnist-mlflow")
def commands() -> None:
    """Train classifiers of handwritten digits under one protocol, and keep one champion."""


for _command in [
    *(job_command(name, docstring) for name, docstring in job_docstrings().items()),
    *map(algorithm_command, base.algorithm_names()),
]:
    commands.add_command(_command)


def main() -> None:
    """Run the command line; an error for the user is a line or two, with exit status 2 or 1."""
    set_defaults()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal that cannot show every letter
    complete_environment()
    respect_quota()
    stop_on_signals()
    end_with_launcher()
    sys.excepthook = _print_traceback
    program = f"{python_here()} {MODULE}"
    try:
        commands.main(prog_name=program, standalone_mode=False)
    except click.UsageError as error:
        next_step = f"Help: {error.ctx.command_path if error.ctx else program} --help"
        if isinstance(error, click.NoSuchCommand):
            next_step = f"Accepted: {', '.join(sorted(commands.commands))}"
        _refuse(f"{error.format_message()}\n{next_step}", error.exit_code)
    except UserFacingError as error:
        _refuse(str(error), error.exit_status)
    except click.Abort:
        _refuse("Interrupted.", INTERRUPTED)


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a mistake in the code without passwords."""
    click.echo(without_passwords("".join(traceback.format_exception(kind, error, trace))), err=True, nl=False)


def _refuse(message: str, exit_status: int) -> NoReturn:
    from mnist_mlflow.cli import terminal  # which the list of commands does without

    message = without_passwords(message)  # click's own messages quote what was typed
    err = terminal.err
    err.say(f"Error: {message}", is_whole=not err.is_terminal)  # `main`, which may have started this, reads the line
    if os.environ.get("MLFLOW_RUN_ID"):  # checked here, since MLflow takes seconds to import
        from mnist_mlflow.tracking.lifecycle import fail_inherited_run

        fail_inherited_run(message.splitlines()[0])
    sys.exit(exit_status)
