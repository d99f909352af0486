from pathlib import Path
from types import SimpleNamespace as Record

import pytest

from benchmarks.measure import overhead
from benchmarks.measure.overhead import knn_imports_tensorflow, measure_overhead
from benchmarks.measure.store import Store


def test_knn_leaves_tensorflow_alone(tmp_path: Path) -> None:
    assert not knn_imports_tensorflow(Store(tmp_path, 0))
    assert (tmp_path / "digits.db").exists()
    assert (tmp_path / "cache").is_dir()


def test_an_import_of_tensorflow_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "KNN_RUN", "import sys; sys.modules['tensorflow'] = sys" + overhead.KNN_RUN)
    assert knn_imports_tensorflow(Store(tmp_path, 0))


def test_every_model_of_the_store_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = {
        name: Record(
            data=Record(metrics={"tracking_seconds": seconds}),
            outputs=Record(model_outputs=[Record(model_id=f"m-{name}")]),
        )
        for name, seconds in (("svm", 2.0), ("knn", 3.0))
    }
    monkeypatch.setattr(Store, "models", lambda store: runs)
    monkeypatch.setattr(overhead, "run_task", lambda task, **arguments: {task: arguments["model"]})
    monkeypatch.setattr(overhead, "knn_imports_tensorflow", lambda store: False)
    monkeypatch.setattr(overhead, "STARTS", 1)
    found = measure_overhead(Store(tmp_path, 0))
    assert found["models"] == {
        "svm": {"tracking_seconds": 2.0, "predict_latency": "models:/m-svm"},
        "knn": {"tracking_seconds": 3.0, "predict_latency": "models:/m-knn"},
    }
    assert found["served"] == {"model": "svm", "request_latency": "models:/m-svm"}
    assert 0 < found["import_seconds"] < found["help_seconds"] < 30
