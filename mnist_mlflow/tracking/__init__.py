"""The store, the runs in it and the registry: with MLflow's own variables, which mean what they always mean."""

from time import perf_counter

_started = perf_counter()

# Imported here, and not where each is used, so that what it costs can be told.
import mlflow  # noqa: E402
import mlflow.pyfunc  # noqa: E402, F401

IMPORT_SECONDS = perf_counter() - _started
