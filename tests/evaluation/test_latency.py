import time

import numpy as np
import pytest

from mnist_mlflow.evaluation import latency
from mnist_mlflow.evaluation.latency import ms_per_image
from mnist_mlflow.types import Images

IMAGES = np.zeros((20, 28, 28), np.uint8)


def test_is_the_median_of_batches_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, turns = [0.0], []

    def predictor(name: str, seconds: float) -> object:
        def predict(images: Images) -> None:
            turns.append((name, len(images)))
            clock[0] += seconds * (10 if len(turns) == 1 else 1)  # the first is disturbed

        return predict

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(latency, "BATCH", 10)
    measured = ms_per_image({"slow": predictor("slow", 0.5), "fast": predictor("fast", 0.01)}, IMAGES)  # type: ignore[dict-item]
    assert measured == pytest.approx({"slow": 50, "fast": 1})
    assert turns[:4] == [("slow", 10), ("fast", 10)] * 2
