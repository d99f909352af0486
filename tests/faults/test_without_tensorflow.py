"""Machines for which there is no TensorFlow: Macs with Intel, for example."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import mlflow
import pytest

from mnist_mlflow.algorithms.base import algorithm_names
from mnist_mlflow.jobs import doctor, main
from mnist_mlflow.jobs.launch import Outcome, Training
from mnist_mlflow.types import silent

Client: TypeAlias = mlflow.MlflowClient
NETWORKS = {"cnn", "mlp"}
INSTALL = 'Type: pip install "mnist-mlflow[tensorflow]"'


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, library, None)
    for ours in ("mnist_mlflow.algorithms._graphs.network", "mnist_mlflow.algorithms._network"):
        monkeypatch.delitem(sys.modules, ours, raising=False)


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        (["mlp"], "mlp"),
        (["cnn", "--trials=3"], "cnn"),
        (["main", "--algorithms=knn,mlp"], "mlp"),
        (["main", "--algorithms=mlp,cnn,svm"], "mlp and cnn"),
    ],
)
def test_a_network_that_was_asked_for_is_refused_before_a_run_is_opened(
    words: list[str],
    lacking: str,
    command: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    status, output, errors = command(*words)
    assert (status, output) == (1, "")
    assert errors == f"Error: {lacking} cannot learn: tensorflow is not installed. {INSTALL}\n"
    assert not list(tmp_path.iterdir())


def test_main_trains_the_others_and_says_which_it_leaves_out(
    store: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    launched: list[str] = []

    def launch_all(trainings: Iterable[Training], *options: object) -> dict[str, Outcome]:
        launched.extend(training.key for training in trainings)
        return {}

    monkeypatch.setattr(main, "launch_all", launch_all)
    monkeypatch.setattr(main, "select_in", lambda *arguments: SimpleNamespace())
    assert not main.run(main.Params(data="digits", train_size=100), silent).failed
    assert set(launched) == set(algorithm_names()) - NETWORKS
    (run,) = store.search_runs(["0"])
    assert set(run.data.params["algorithms"].split(",")) == set(launched)
    (warning,) = caplog.messages
    assert warning == f"Left out: cnn and mlp cannot learn: tensorflow is not installed. {INSTALL}"


def test_doctor_calls_it_no_problem_and_says_what_is_lacking() -> None:
    finding = doctor.check_packages()
    assert not finding.remedy
    assert "mlp and cnn lack TensorFlow to learn: pip install" in finding.text


def test_doctor_compares_the_version_of_a_tensorflow_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "declared", lambda: ("", ["numpy<1; extra == 'tensorflow'"]))
    assert not doctor.check_packages().remedy
    monkeypatch.setattr(doctor, "find_spec", lambda name: True)
    assert ", not <1" in doctor.check_packages().text


def test_what_the_project_declares_includes_the_extra() -> None:
    assert [text for text in doctor.declared()[1] if text.startswith("tensorflow") and "extra ==" in text]
