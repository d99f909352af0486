"""The command line: one sub-command per entry point. The only room, with `console`, that parses or prints."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import click

from mnist_mlflow.algorithms.base import algorithm_names, get_algorithm
from mnist_mlflow.cli.options import given, options, settings, with_options
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.protocol import DataOptions, Rule, Scope, SearchOptions, SelectOptions, SplitOptions, Task, changed

INTERRUPTED = 130
PROGRAM = "mnist-mlflow"
MLFLOW_DEFAULTS = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": str(sys.stderr.isatty()).lower(),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # MLflow's 7 take minutes to tell that a server is gone
}


def _algorithm_command(name: str) -> click.Command:
    algorithm = get_algorithm(name)

    def run(**typed: Any) -> None:
        from mnist_mlflow.cli.console import show_outcome, work_display
        from mnist_mlflow.jobs.train import train

        task = Task(name, given(algorithm.Params, typed), settings(DataOptions, typed), _search(typed))
        with work_display() as progress:
            outcome = train(task, progress)
        show_outcome(name, outcome)

    help_text = "\b\n" + algorithm.__doc__.replace("\n\n", "\n\n\b\n")
    params = [option for kind in (DataOptions, SearchOptions, algorithm.Params) for option in options(kind)]
    return click.Command(name, callback=run, params=params, help=help_text)


def _search(typed: dict[str, Any]) -> SearchOptions:
    """How to search; raises UsageError where that was said, and not that there is to be a search."""
    search = settings(SearchOptions, typed)
    if not (typed["trials"] or search.timeout) and (useless := changed(search)):
        raise click.UsageError(
            f"{', '.join(useless)} says how to search, and nothing is to be searched: add trials=30, or timeout=600."
        )
    return search


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="mnist-mlflow")
def commands() -> None:
    """Train classifiers of handwritten digits under one protocol, and keep one champion."""


@with_options(SearchOptions)
@with_options(DataOptions)
@commands.command("main")
@click.option("--algorithms", default="all", show_default=True, help="which ones, separated by commas")
def main_command(algorithms: str, **typed: Any) -> None:
    """Train all algorithms, each in a run of its own, then select the champion."""
    from mnist_mlflow.cli.console import show_selection, work_display
    from mnist_mlflow.jobs.main import SomeFailed, run_all
    from mnist_mlflow.selection.scope import parse_names

    names, search = parse_names(algorithms, algorithm_names()), _search(typed)
    try:
        with work_display() as progress:
            selection = run_all(names, settings(DataOptions, typed), search, progress)
    except SomeFailed as error:
        show_selection(error.selection)
        raise
    show_selection(selection)


@commands.command("ensemble")
@click.option("--data", default="auto")
@click.option("--split_seed", default=0)
@click.option("--members", default=8)
def ensemble_command(**typed: Any) -> None:
    """Let the finished models that do best together on the tuning slice vote, as a model of its own."""
    from mnist_mlflow.cli.console import show_outcome, work_display
    from mnist_mlflow.jobs.ensemble import Params, run

    with work_display() as progress:
        outcome = run(settings(Params, typed), progress)
    show_outcome("ensemble", outcome)


@with_options(SelectOptions)
@with_options(Scope)
@with_options(Rule)
@with_options(SplitOptions)
@commands.command("select")
def select_command(**typed: Any) -> None:
    """Choose a champion among the finished runs, register it, then score the finalists on the test images."""
    from mnist_mlflow.cli.console import show_rollback, show_selection, work_display
    from mnist_mlflow.jobs.select import Request, roll_back, select

    protocol, act = settings(SplitOptions, typed), settings(SelectOptions, typed)
    if act.rollback and act.dry_run:
        raise click.UsageError(
            "rollback=1 and dry_run=1 do not go together: a rollback decides nothing. Leave one out."
        )
    if act.rollback:
        show_rollback(*roll_back())
        return
    request = Request(protocol.split_seed, settings(Rule, typed), settings(Scope, typed), bool(act.dry_run))
    with work_display() as progress:
        selection = select(protocol.data, request, progress)
    show_selection(selection)


@commands.command("report")
@click.option("--out", default="report.html", show_default=True, help="the file to write")
def report_command(out: str) -> None:
    """Write what the store knows of the champion as a page that needs nothing else."""
    from mnist_mlflow.cli.console import show_report
    from mnist_mlflow.jobs.report import report

    show_report(report(out))


@with_options(SplitOptions)
@commands.command("evaluate")
@click.option("--model", required=True, help="its URI, for example models:/mnist-digits@champion")
def evaluate_command(model: str, **typed: Any) -> None:
    """Score any logged or registered model on the test images."""
    from mnist_mlflow.cli.console import show_metrics, work_display
    from mnist_mlflow.selection.test_images import evaluate

    protocol = settings(SplitOptions, typed)
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
    except UserFacingError as error:
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
