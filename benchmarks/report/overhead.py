"""All that is not learning."""

from benchmarks.report.compare import verdict
from benchmarks.report.tables import figure, table
from benchmarks.results import Results
from benchmarks.targets import START_SECONDS

HEAD = ("model", "tracking s a run", "one image ms", "in 1,000: ms an image")


def overhead(results: Results) -> list[str]:
    """One section: what starting, tracking and answering take."""
    served, imports = results["served"], results["knn_imports_tensorflow"]
    text = _start("import", results["import_seconds"]) + _start("`--help`", results["help_seconds"])
    text += f"- a kNN run imports {'TensorFlow' if imports else 'no TensorFlow'}: {verdict(not imports)}\n"
    text += f"- a request with one image to `mlflow models serve` ({served['model']}): {served['median_ms']:.1f} ms, "
    text += f"95 in 100 under {served['p95_ms']:.1f} ms"
    keys = ("tracking_seconds", "single_ms", "batched_ms")
    lines = ([name, *(figure(model[key]) for key in keys)] for name, model in results["models"].items())
    return [table("What is not learning", HEAD, lines, text)]


def _start(action: str, seconds: float) -> str:
    return f"- {action}: {seconds:.2f} s, below {START_SECONDS} s: {verdict(seconds < START_SECONDS)}\n"
