"""One's own pictures: learned from, added to others, and examined on."""

import csv
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import DataError, UsageError
from mnist_mlflow.jobs import ensemble, evaluate, report, select
from mnist_mlflow.jobs.examination import Examination
from mnist_mlflow.jobs.originals import load_recorded, read_original
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions
from mnist_mlflow.tracking.evaluations import find_evaluations
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.types import silent
from tests.conftest import Trained, train_into_copy
from tests.pictures import EACH, few_digits, write_folder, write_png
from tests.simulated import Client

PICTURES = 10 * EACH


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures by class, one of them corrupt."""
    folder = write_folder(tmp_path_factory.mktemp("own") / "mine")
    (folder / "3" / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory, mine: Path) -> Trained:
    """A model of the bundled digits, one of them and one's own pictures, and one of one's own pictures alone."""
    tasks = [
        Task("logistic", {}, DataOptions("digits", train_size=200)),
        Task("knn", {}, DataOptions(f"digits+{mine}")),
        Task("knn", {}, DataOptions(str(mine))),
    ]
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks)


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


def examine(model: RunResult | str, data: Path, **names: Any) -> Examination:
    uri = model if isinstance(model, str) else f"models:/{model.model_id}"
    result = evaluate.run(evaluate.Params(data=str(data), model=uri, **names), silent)
    assert isinstance(result, Examination)
    return result


def rows_of(store: Client, run_id: str, name: str) -> list[dict[str, str]]:
    folder = mlflow.artifacts.download_artifacts(run_id=run_id)
    with (Path(folder) / name).open(newline="") as file:
        return list(csv.DictReader(file))


class TestTraining:
    def test_the_run_says_what_it_learned_from(self, store: Client, outcomes: list[RunResult], mine: Path) -> None:
        alone, both = (store.get_run(outcome.run_id).data for outcome in (outcomes[2], outcomes[1]))
        assert (alone.tags["dataset"], alone.tags["dataset_address"]) == ("mine", str(mine))
        assert (both.tags["dataset"], both.tags["dataset_address"]) == ("digits+mine", f"digits+{mine}")
        assert both.tags["added_digest"] == alone.tags["dataset_digest"]
        assert f"data={mine}" in alone.tags["command"]

    def test_a_table_says_what_was_left_out(self, store: Client, outcomes: list[RunResult]) -> None:
        for outcome in outcomes[1:]:
            ((file, reason),) = [row.values() for row in rows_of(store, outcome.run_id, "skipped.csv")]
            assert file == "3/bad.png"
            assert "no picture" in reason

    def test_and_so_does_a_warning(self, store: Client, mine: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            train(Task("knn", {}, DataOptions(str(mine))), silent)
        assert "Left out of mine: 1, which skipped.csv of run" in caplog.text
        assert "3/bad.png: " in caplog.text

    def test_a_data_set_that_cannot_be_leaves_no_run(self, store: Client, mine: Path, tmp_path: Path) -> None:
        shutil.copytree(mine / "3", tmp_path / "ten")
        for job in (
            lambda data: train(Task("knn", {}, DataOptions(data)), silent),
            lambda data: ensemble.run(ensemble.Params(data=data), silent),
            lambda data: select.run(select.Params(data=data), silent),
            lambda data: evaluate.run(evaluate.Params(data=data), silent),
        ):
            with pytest.raises(DataError, match="/ten is no folder of a digit"):
                job(str(tmp_path))
        assert len(store.search_runs(["0"])) == 3

    def test_it_can_be_made_again_as_long_as_the_pictures_are_there(
        self, store: Client, outcomes: list[RunResult], mine: Path, tmp_path: Path
    ) -> None:
        for outcome, data in ((outcomes[1], f"digits+{mine}"), (outcomes[2], str(mine))):
            original = read_original(store, outcome.run_id)
            assert original.settings["data"] == data
            assert load_recorded(original, silent).name.endswith("mine")
            mine.rename(tmp_path / "away")
            try:
                with pytest.raises(
                    DataError, match=rf"Run {outcome.run_id} learned from {mine}, which is not there any"
                ):
                    load_recorded(original, silent)
                shutil.copytree(tmp_path / "away", mine)
                next((mine / "5").iterdir()).unlink()
                with pytest.raises(DataError, match=r"is not the one that run \w+ learned from"):
                    load_recorded(original, silent)
            finally:
                shutil.rmtree(mine, ignore_errors=True)
                (tmp_path / "away").rename(mine)


class TestSelection:
    def test_models_that_learned_from_more_are_compared_with_the_others(
        self, store: Client, outcomes: list[RunResult]
    ) -> None:
        selection = select.run(select.Params(data="digits", dry_run=True), silent)
        assert isinstance(selection, select.Selection)
        assert set(selection.table["run"]) == {outcome.run_id for outcome in outcomes[:2]}

    def test_the_version_says_what_its_model_learned_from(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        run_id = outcomes[1].run_id
        select.run(select.Params(data="digits", where=f"attributes.run_id = '{run_id}'"), silent)
        version = store.get_model_version_by_alias("mnist-digits", "champion")
        assert f"mlflow run . -e knn --env-manager local -P data=digits+{mine}" in version.description

    def test_models_of_ones_own_pictures_compete_on_them(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        selection = select.run(select.Params(data=str(mine), dry_run=True), silent)
        assert isinstance(selection, select.Selection)
        assert selection.decision.choice.winner.candidate.run_id == outcomes[2].run_id


class TestExamination:
    def test_all_pictures_are_read_and_listed(self, store: Client, outcomes: list[RunResult], mine: Path) -> None:
        examination = examine(outcomes[0], mine)
        metrics, readings = examination.metrics, rows_of(store, examination.run_id, "readings.csv")
        assert metrics["own_accuracy_low"] < metrics["own_accuracy"] < metrics["own_accuracy_high"]
        right = sum(row["label"] == row["digit"] for row in readings)
        assert (len(readings), right / PICTURES) == (PICTURES, metrics["own_accuracy"])
        assert list(readings[0]) == ["file", "label", "digit", "confidence", "sure", "why"]
        assert readings[-1]["file"] == f"9/{PICTURES - 1}.png"
        assert [row["file"] for row in rows_of(store, examination.run_id, "skipped.csv")] == ["3/bad.png"]
        plots = Path(mlflow.artifacts.download_artifacts(run_id=examination.run_id)) / "plots"
        assert {path.stem for path in plots.iterdir()} == {"confusion_matrix", "mistakes", "reject_curve"}

    def test_it_is_no_opening_of_test_images(self, store: Client, outcomes: list[RunResult], mine: Path) -> None:
        run = store.get_run(examine(outcomes[0], mine).run_id)
        assert not [name for name in (*run.data.tags, *run.data.metrics) if name.startswith("test_")]
        assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["mine"]
        test = evaluate.run(evaluate.Params(data="digits", model=f"models:/{outcomes[0].model_id}"), silent)
        assert isinstance(test, evaluate.Evaluation)
        assert test.openings == 1

    def test_it_is_found_by_the_run_that_trained_the_model(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        examination = examine(outcomes[0], mine)
        (stored,) = find_evaluations(store, outcomes[0].run_id)
        assert (stored.run_id, stored.kind, stored.params["images"]) == (examination.run_id, "examination", "150")
        assert stored.metrics == examination.metrics

    def test_card_and_page_of_a_version_list_it(
        self, store: Client, outcomes: list[RunResult], mine: Path, tmp_path: Path
    ) -> None:
        choose = select.Params(
            data="digits", where=f"attributes.run_id = '{outcomes[0].run_id}'", registered_model="own"
        )
        select.run(choose, silent)
        before = store.get_model_version("own", "1").description
        run_id = examine("models:/own@champion", mine, registered_model="own").run_id
        card = store.get_model_version("own", "1").description
        (row,) = [line for line in card.splitlines() if f" {run_id[:8]} " in line]
        assert row.split()[:4] == ["|", "mine", "|", "150"]
        assert "## Examinations" not in before
        for section in ("Figures", "How it was chosen", "Reproduce it"):
            assert section in before
            assert section in card
        report.run(report.Params(registered_model="own", out=tmp_path / "page.html"), silent)
        assert f">{run_id[:8]}</td>" in (tmp_path / "page.html").read_text()

    def test_a_card_that_may_not_be_written_stays_as_it_is(
        self,
        store: Client,
        outcomes: list[RunResult],
        mine: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def refuse(*arguments: object) -> None:
            raise MlflowException("Permission denied", error_code=PERMISSION_DENIED)

        choose = select.Params(data="digits", where=f"attributes.run_id = '{outcomes[0].run_id}'")
        select.run(choose, silent)
        before = store.get_model_version("mnist-digits", "1").description
        monkeypatch.setattr(Registry, "describe", refuse)
        with caplog.at_level(logging.WARNING):
            assert examine("champion", mine).metrics
        assert "The card of mnist-digits stays as it is: your account may only read it" in caplog.text
        assert store.get_model_version("mnist-digits", "1").description == before

    def test_few_pictures_of_few_digits_are_enough(
        self, store: Client, outcomes: list[RunResult], tmp_path: Path
    ) -> None:
        write_png(tmp_path / "4" / "one.png", few_digits().images[4 * EACH])
        assert len(examine(outcomes[2], tmp_path).readings) == 1

    def test_what_a_model_has_learned_from_is_split_as_for_its_training(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        options = evaluate.Params(data=str(mine), model=f"models:/{outcomes[2].model_id}")
        result = evaluate.run(options, silent)
        assert isinstance(result, evaluate.Evaluation)
        assert result.metrics["test_accuracy"] > 0.5
        with pytest.raises(UsageError, match="another split of mine"):
            evaluate.run(replace(options, split_seed=1), silent)

    def test_what_a_model_has_learned_all_of_examines_nobody(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        with pytest.raises(UsageError, match=rf"learned from all pictures of {mine}\. Name others"):
            examine(outcomes[1], mine)
        vote = ensemble.run(ensemble.Params(data="digits"), silent)
        with pytest.raises(UsageError, match=rf"learned from all pictures of {mine}\. Name others"):
            examine(vote, mine)

    def test_a_test_part_that_was_not_added_examines(
        self, store: Client, outcomes: list[RunResult], mine: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(mine, tmp_path / "train")
        write_png(tmp_path / "test" / "4" / "new.png", few_digits(EACH + 1).images[5 * EACH + 4])
        assert examine(outcomes[1], tmp_path).readings["file"].tolist() == ["test/4/new.png"]

    def test_a_folder_that_has_changed_since_it_was_learned_from_examines_nobody(
        self, store: Client, outcomes: list[RunResult], mine: Path
    ) -> None:
        new = mine / "4" / "new.png"
        write_png(new, few_digits(EACH + 1).images[5 * EACH + 4])
        try:
            for outcome in outcomes[1:]:
                with pytest.raises(UsageError, match=rf"learned from {mine} when other pictures were there"):
                    examine(outcome, mine)
        finally:
            new.unlink()
