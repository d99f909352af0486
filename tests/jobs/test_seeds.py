"""Several seeds as one run; but for one test, the processes that train are simulated."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs import seeds as job
from mnist_mlflow.jobs.launch import LaunchError, Outcome, Training
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.seeds import SeedsTask, train_seeds
from mnist_mlflow.search.workers import Shown, Workers
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.types import silent

Client: TypeAlias = mlflow.MlflowClient
SMALL = {"data": "digits", "train_size": 100}
ACCURACIES = {0: 0.98, 1: 0.97, 2: 0.99}


class Launches:
    """Takes the place of processes: remembers the trainings, and fails for some seeds."""

    def __init__(self, failing: set[int]) -> None:
        self.failing, self.trainings = failing, list[Training]()
        self.workers: Workers | None = None

    def __call__(
        self, trainings: Sequence[Training], parent: Run, workers: Workers, after_each: Callable[[int], None]
    ) -> dict[str, Outcome]:
        self.trainings, self.workers = list(trainings), workers
        for done, _ in enumerate(trainings, 1):
            after_each(done)
        return {training.key: self._outcome(int(str(training.settings.get("seed", 0)))) for training in trainings}

    def _outcome(self, seed: int) -> Outcome:
        if seed in self.failing:
            return LaunchError(f"run-{seed}", "knn cannot learn")
        accuracy = ACCURACIES[seed]
        metrics = dict.fromkeys(("val_f1_macro", "val_log_loss", "val_ece", "fit_seconds"), accuracy / 10)
        return RunResult(f"run-{seed}", f"model-{seed}", {"val_accuracy": accuracy, **metrics})


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> Launches:
    launches = Launches(set())
    monkeypatch.setattr(job, "launch_all", launches)
    return launches


def task_of(seeds: str = "0,1,2", **settings: object) -> SeedsTask:
    return SeedsTask.from_settings("knn", {**SMALL, "seeds": seeds, **settings})


def test_the_run_around_them_has_the_mean_the_spread_and_the_interval(store: Client, launches: Launches) -> None:
    result = train_seeds(task_of(n_neighbors=3), silent)
    run = store.get_run(result.run_id)
    metrics, accuracies = run.data.metrics, list(ACCURACIES.values())
    assert run.info.status == "FINISHED"
    assert metrics["val_accuracy"] == pytest.approx(0.98)
    assert metrics["val_accuracy_std"] == pytest.approx(np.std(accuracies, ddof=1))
    bound = 4.3027 * 0.01 / np.sqrt(3)  # Student's t of two degrees of freedom
    assert metrics["val_accuracy_low"] == pytest.approx(0.98 - bound)
    assert metrics["val_accuracy_high"] == 1  # 0.98 + bound would be more
    assert metrics["fit_seconds"] == pytest.approx(0.098)
    assert "fit_seconds_std" not in metrics
    assert run.data.params.items() >= {"seeds": "0,1,2", "n_neighbors": "3", "train_size": "100"}.items()
    assert run.data.params.keys().isdisjoint({"seed", "trials"})
    assert run.data.tags.items() >= {"role": "seeds", "algorithm": "knn", "dataset": "digits"}.items()
    assert run.data.tags["seed_runs"] == "run-0,run-1,run-2"
    assert "| standard deviation | 0.0100" in run.data.tags["mlflow.note.content"]
    assert run.inputs.dataset_inputs == []  # no test images, and no others


def test_each_seed_is_a_task_of_its_own_beside_the_others(store: Client, launches: Launches) -> None:
    result = train_seeds(task_of(workers=2, n_neighbors=3), silent)
    assert [training.settings.get("seed", 0) for training in launches.trainings] == [0, 1, 2]
    assert {training.settings["n_neighbors"] for training in launches.trainings} == {3}
    assert [training.tags for training in launches.trainings] == [{"mlflow.parentRunId": result.run_id}] * 3
    assert {training.shown for training in launches.trainings} == {Shown.ERRORS}
    assert launches.workers
    assert launches.workers.slots() == 2


@pytest.mark.parametrize(("failing", "again"), [({1}, "-P seed=1"), ({0, 2}, "-P seeds=0,2 -P workers=2")])
def test_a_seed_that_fails_is_all_that_has_to_be_trained_again(
    store: Client, launches: Launches, failing: set[int], again: str
) -> None:
    launches.failing = failing
    with pytest.raises(UserFacingError) as caught:
        train_seeds(task_of(workers=2, n_neighbors=3), silent)
    first, *reasons = str(caught.value).splitlines()
    assert first.startswith(f"{len(failing)} of 3 seeds failed; the runs of the others are kept.")
    assert first.endswith(f"-e knn --env-manager local -P data=digits -P train_size=100 -P n_neighbors=3 {again}")
    assert reasons == [f"  seed {seed}, run run-{seed}: knn cannot learn" for seed in sorted(failing)]
    (run,) = store.search_runs(["0"])
    assert run.info.status == "FAILED"
    kept = [f"run-{seed}" for seed in (0, 1, 2) if seed not in failing]
    assert run.data.tags["seed_runs"] == ",".join(kept)
    assert "val_accuracy" not in run.data.metrics


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"seeds": "0,0"}, r"'0,0' is not 2 to 100 different whole numbers .* like 0,1,2 \(one alone: seed=0\)"),
        ({"seeds": "4"}, "'4' is not 2 to 100 different"),
        ({"seeds": "0,-1"}, "'0,-1' is not 2 to 100 different"),
        ({"seed": 3}, "seeds=0,1 and seed=3 do not go together: leave seed out"),
        ({"trials": 5}, "seeds=0,1 and trials=5 do not go together: .* leave seeds out"),
        ({"timeout": 9.0}, "seeds=0,1 and timeout=9.0 do not go together"),
        ({"study": "mine"}, "study says how to search, and nothing is to be searched"),
        ({"workers": 0}, "0 is not a whole number from 1 to 256"),
    ],
)
def test_what_seeds_do_not_go_with_is_refused(settings: dict[str, object], mistake: str) -> None:
    with pytest.raises(UsageError, match=mistake) as caught:
        SeedsTask.from_settings("knn", {"seeds": "0,1"} | settings)
    assert "\n" not in str(caught.value)


def test_the_defaults_that_mlflow_run_passes_on_are_no_contradiction() -> None:
    task = SeedsTask.from_settings("knn", {"seeds": (0, 1), "seed": 0, "trials": 0})
    assert task.command(*task.seeds) == "mlflow run . -e knn --env-manager local -P seeds=0,1"


def test_the_command_prints_a_line_for_each_seed_and_the_mean(
    store: Client, launches: Launches, command: Callable[..., tuple[int, str, str]]
) -> None:
    status, output, _ = command("knn", "--data=digits", "--train_size=100", "--seeds=1,0")
    assert status == 0
    first, second, mean, *_, last = output.splitlines()
    assert first.startswith("knn seed 1 val_accuracy 0.9700  val_log_loss 0.0970 ")
    assert second.endswith("run run-0")
    assert mean == "val_accuracy  0.9750 ± 0.0071 over 2 seeds, mean from 0.9115 to 1.0000"
    (run,) = store.search_runs(["0"])
    assert last == f"all of it in run {run.info.run_id}"
    assert run.data.tags["command"].endswith("-P data=digits -P train_size=100 -P seeds=1,0")
