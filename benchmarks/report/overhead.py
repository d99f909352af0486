"""All that is not learning."""

from benchmarks.report.compare import verdict
from benchmarks.report.tables import figure, table
from benchmarks.results import Results
from benchmarks.targets import START_SECONDS, TRIAL_MS

HEAD = ("model", "tracking s a run")


def overhead(results: Results) -> list[str]:
    """One section: what starting, tracking and the trials of a search take."""
    trial, imports = results["trial"], results["knn_imports_tensorflow"]
    text = _start("import", results["import_seconds"]) + _start("`--help`", results["help_seconds"])
    text += f"- a kNN run imports {'TensorFlow' if imports else 'no TensorFlow'}: {verdict(not imports)}\n"
    text += f"- Optuna and MLflow take {trial['ms']:.0f} ms of a trial on SQLite (mean of {trial['trials']} that learn "
    text += f"nothing), to reach {TRIAL_MS}: {verdict(trial['ms'] <= TRIAL_MS)}"
    lines = ([name, figure(seconds)] for name, seconds in results["tracking_seconds"].items())
    return [table("What is not learning", HEAD, lines, text)]


def _start(action: str, seconds: float) -> str:
    return f"- {action}: {seconds:.2f} s, below {START_SECONDS} s: {verdict(seconds < START_SECONDS)}\n"
