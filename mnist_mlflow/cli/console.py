"""Results in the terminal, as lines and tables, and the commands to type next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_mlflow.cli.reproduction import shown
from mnist_mlflow.cli.terminal import err, out, show_warning
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.verdict import DIFFERENT, NOT_DIFFERENT

if TYPE_CHECKING:
    from mnist_mlflow.jobs.applying import Applied
    from mnist_mlflow.jobs.compare import CompareResult
    from mnist_mlflow.jobs.corruptions import CorruptionScores
    from mnist_mlflow.jobs.doctor import Diagnosis
    from mnist_mlflow.jobs.evaluate import Evaluation
    from mnist_mlflow.jobs.examination import Examination
    from mnist_mlflow.jobs.export import Export
    from mnist_mlflow.jobs.join import Contribution
    from mnist_mlflow.jobs.main import MainResult
    from mnist_mlflow.jobs.read import ReadResult
    from mnist_mlflow.jobs.recording import RunResult
    from mnist_mlflow.jobs.recover import Recovery
    from mnist_mlflow.jobs.rollback import Rollback
    from mnist_mlflow.jobs.seeds import SeedsResult
    from mnist_mlflow.jobs.select import Selection
    from mnist_mlflow.jobs.serving.server import Service
    from mnist_mlflow.jobs.ui import Ui
    from mnist_mlflow.reports.reproduction import Reproduction

SUMMARY = ("accuracy", "log_loss", "ece")


def show_train(algorithm: str, result: RunResult) -> None:
    """Print a line for a run that has trained a model, and the command that continues its search."""
    figures = "  ".join(f"val_{name} {result.metrics[f'val_{name}']:.4f}" for name in SUMMARY)
    seconds = result.metrics["fit_seconds"]
    out.say(f"{algorithm:9} {figures}  fit_seconds {seconds:.1f}  run {result.run_id}")
    if result.is_reused:
        out.say("Nothing was trained: this run has the same parameters, data and code.")
    if result.resume_command:
        out.say(f"To go on with the search: {result.resume_command}")


def show_seeds(algorithm: str, result: SeedsResult) -> None:
    """Print a line for each seed, then the mean, standard deviation and interval of the main metrics."""
    for seed, trained in result.seeds.items():
        show_train(f"{algorithm} seed {seed}", trained)
    for name in (f"val_{name}" for name in SUMMARY):
        mean, std, low, high = (result.metrics[f"{name}{ending}"] for ending in ("", "_std", "_low", "_high"))
        out.say(f"{name:13} {mean:.4f} ± {std:.4f} over {len(result.seeds)} seeds, mean from {low:.4f} to {high:.4f}")
    out.say(f"all of it in run {result.run_id}")


def show_ensemble(result: RunResult) -> None:
    """Print a line for the run of an ensemble."""
    show_train("ensemble", result)


def show_evaluate(result: Evaluation | CorruptionScores | Examination) -> None:
    """Print the scores of a model on the test images, on corrupted validation images, or on somebody's own."""
    from mnist_mlflow.cli import evaluated  # with MLflow, which `doctor` must do without
    from mnist_mlflow.jobs.evaluate import Evaluation
    from mnist_mlflow.jobs.examination import Examination

    if isinstance(result, Examination):
        evaluated.show_examination(out, result)
    elif isinstance(result, Evaluation):
        evaluated.show_test(out, result)
    else:
        evaluated.show_corruptions(out, result)


def show_main(result: MainResult) -> None:
    """Print the reused runs and the selection.

    Raises UserFacingError, which sets the exit status, when an algorithm failed.
    """
    for algorithm, run_id in result.reused.items():
        out.say(f"{algorithm}: nothing was trained, run {run_id} has the same parameters, data and code.")
    show_select(result.selection)
    if result.failed:
        raise UserFacingError(result.message)


def show_select(result: Selection | Applied | Rollback) -> None:
    """Print the champion that a selection chose or applied, or that a rollback restored."""
    from mnist_mlflow.cli.selected import show_applied, show_selection  # with MLflow, which `doctor` must do without
    from mnist_mlflow.jobs.applying import Applied
    from mnist_mlflow.jobs.select import Selection

    if isinstance(result, Selection):
        show_selection(out, err, result)
        return
    if isinstance(result, Applied):
        show_applied(out, err, result)
        return
    old, new = result.taken_back, result.restored
    if not old:
        out.say(f"Version {new} of {result.model} is champion again. There was no champion to replace.")
        return
    out.say(f"Version {new} of {result.model} is champion again; version {old} is previous.")
    out.say(f"Version {old} does not become champion again by itself. To undo this: the same command.")


def show_doctor(diagnoses: Sequence[Diagnosis]) -> None:
    """Print a line for each check; raises UserFacingError, which sets the exit status, if a problem is left."""
    for diagnosis in diagnoses:
        out.say(f"{diagnosis.state:8} {diagnosis.check:13} {diagnosis.text}", hanging=" " * 23)
    if problems := [diagnosis.check for diagnosis in diagnoses if diagnosis.state == "problem"]:
        raise UserFacingError(f"Not well: {', '.join(problems)}.")


def show_reproduce(reproduction: Reproduction) -> None:
    """Print the verdict and what speaks for it; raises UserFacingError, which sets the exit status, if it is different.

    A difference that is not significant is told as a warning.
    """
    for part in shown(reproduction):
        if isinstance(part, str):
            out.say(part)
        else:
            out.print(part)
    if reproduction.verdict.word == NOT_DIFFERENT:
        show_warning("The result is not the same, though not significantly different.")
    if reproduction.verdict.word == DIFFERENT:
        raise UserFacingError(f"Run {reproduction.old.run_id} does not come out again: the new model is different.")


def show_report(path: Path) -> None:
    """Print where the report is."""
    out.say(f"Written: {path}")


def show_compare(result: CompareResult) -> None:
    """Print a comparison."""
    from mnist_mlflow.cli.compared import show  # with pandas and MLflow, which `doctor` must do without

    show(out, result)


def show_read(result: ReadResult) -> None:
    """Print what was read."""
    from mnist_mlflow.cli.readings import show  # with pandas and MLflow, which `doctor` must do without

    show(out, result)


def show_join(contribution: Contribution) -> None:
    """Print what this machine has contributed to a study."""
    out.say(f"{contribution.here} of {contribution.anywhere} trials of the study {contribution.study} were tried here.")
    if not contribution.is_over:
        out.say("It is not complete: the search goes on without this machine.")


def show_serve(service: Service) -> None:
    """Print who answers where, and let it answer until a signal ends it."""
    out.say(f"{service.model} answers at {service.address} until Ctrl-C.")
    service.answer()


def show_ui(ui: Ui) -> None:
    """Print the addresses of the runs, and become the server that answers there."""
    for experiment, address in ui.addresses.items():
        out.say(f"{experiment}: {address}")
    if not ui.addresses:
        out.say("There are no runs yet. Train some: python -m mnist_mlflow main")
    out.file.flush()
    ui.start()


def show_export(export: Export) -> None:
    """Print what was written, and the lines of Python that ask it."""
    out.say(f"Written: {export.out}, {export.megabytes:.1f} MB, {export.model}")
    out.say("Ask it by onnxruntime alone, about images (n, 28, 28) uint8 as MNIST has them (docs/export.md):")
    out.say(f"    session = onnxruntime.InferenceSession({str(export.out)!r})")
    out.say('    digit, probabilities, sure = session.run(None, {"images": images})')


def show_recover(recovery: Recovery) -> None:
    """Print the runs that are complete now; raises UserFacingError where an upload failed once more."""
    for run_id in recovery.complete:
        out.say(f"Uploaded: run {run_id} is complete.")
    for reason in recovery.waiting:
        err.say(reason)
    if recovery.failed:
        raise UserFacingError("\n".join(recovery.failed))
    if not recovery.complete and not recovery.waiting:
        out.say("Nothing waits to be uploaded.")
