"""A program for a fresh process, which loads a logged model and asks it about images.

    python -P benchmarks/tasks/answering.py MODEL IMAGES.npy

It imports nothing of this project: a model of any commit is measured by the code that travels with it.
"""

import json
import resource
import sys
import time

import mlflow
import numpy as np

WARM, SINGLE, BATCHES = 20, 200, 5


def seconds(work: object, *arguments: object) -> float:
    """The seconds that a call takes."""
    started = time.perf_counter()
    work(*arguments)  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> None:
    """Print the figures as JSON: seconds to load, milliseconds an image alone and among all, megabytes."""
    address, images = sys.argv[1], np.load(sys.argv[2])
    started = time.perf_counter()
    model = mlflow.pyfunc.load_model(address)
    load_seconds = time.perf_counter() - started
    for row in range(WARM):
        model.predict(images[row : row + 1])
    single = [seconds(model.predict, images[row : row + 1]) for row in range(min(SINGLE, len(images)))]
    batched = [seconds(model.predict, images) for _ in range(BATCHES + 1)][1:]
    figures = {
        "load_seconds": load_seconds,
        "single_ms": 1000 * float(np.median(single)),
        "batched_ms": 1000 * float(np.median(batched)) / len(images),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "imports_tensorflow": "tensorflow" in sys.modules,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
