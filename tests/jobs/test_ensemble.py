import dataclasses
import logging
from pathlib import Path
from typing import Any, TypeAlias, cast

import mlflow
import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs import ensemble, select
from mnist_mlflow.jobs import members as jobs_members
from mnist_mlflow.jobs.ensemble import Params
from mnist_mlflow.jobs.members import parse_voters, typed_voters
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.features import FEATURES
from mnist_mlflow.protocol import DataOptions, parse_command
from mnist_mlflow.tracking import artifacts, models, results
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.candidates import Candidate
from mnist_mlflow.tracking.registry import Registry
from mnist_mlflow.tracking.results import read_kept
from mnist_mlflow.types import PROBABILITY_COLUMNS, Part, silent
from tests.conftest import Trained, train_into_copy, use_store
from tests.simulated import reads

Client: TypeAlias = mlflow.MlflowClient
SMALL = DataOptions("digits", train_size=200)
ON_DIGITS = Params("digits")


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Three models on the same split, one on another, and an ensemble of the three."""
    tasks = [
        Task("knn", {}, SMALL),
        Task("logistic", {"features": "pixels"}, SMALL),
        Task("svm", {}, SMALL),
        Task("knn", {}, DataOptions("digits", train_size=200, split_seed=1)),
    ]
    singles = train_into_copy(new_store, tmp_path_factory.mktemp("members"), *tasks)
    with pytest.MonkeyPatch.context() as patch:
        use_store(singles.path, patch)
        voted = ensemble.run(ON_DIGITS, silent)
    mlflow.set_tracking_uri(None)
    return Trained(singles.path, [*singles.outcomes, voted])


@pytest.fixture
def voted(outcomes: list[RunResult]) -> RunResult:
    return outcomes[-1]


def members_of(client: Client, outcome: RunResult, folder: Path) -> pd.DataFrame:
    return pd.read_csv(client.download_artifacts(outcome.run_id, "members.csv", str(folder)))


def test_the_vote_is_the_weighted_average_of_the_logged_models(
    trained_store: Client, voted: RunResult, digits: Dataset, tmp_path: Path
) -> None:
    members = members_of(trained_store, voted, tmp_path)
    assert members["weight"].sum() == pytest.approx(1)
    images = digits.test.images

    def probabilities(uri: str) -> np.ndarray:
        rows: np.ndarray = mlflow.pyfunc.load_model(uri).predict(images)[PROBABILITY_COLUMNS].to_numpy()
        return rows

    models = [trained_store.get_run(run).outputs.model_outputs[0].model_id for run in members["run"]]
    expected = np.tensordot(members["weight"], [probabilities(f"models:/{model}") for model in models], axes=1)
    found = probabilities(f"models:/{voted.model_id}")
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    first, second = np.argsort(-expected[0])[:2]
    power = np.log(found[0, first] / found[0, second]) / np.log(expected[0, first] / expected[0, second])
    sharpened = expected**power
    assert np.allclose(found, sharpened / sharpened.sum(axis=1, keepdims=True), atol=1e-6)  # calibration


def test_the_vote_alone_knows_when_it_is_sure(trained_store: Client, voted: RunResult) -> None:
    model = mlflow.pyfunc.load_model(f"models:/{voted.model_id}").get_raw_model()
    assert model.abstention
    assert [member.abstention for member in model.scorer.members] == [None] * len(model.scorer.members)


def test_the_run_says_what_each_member_contributes(trained_store: Client, voted: RunResult, tmp_path: Path) -> None:
    members = members_of(trained_store, voted, tmp_path)
    for _, member in members.iterrows():
        alone = trained_store.get_run(member["run"]).data
        assert member["algorithm"] == alone.tags["algorithm"]
        assert member["val_accuracy"] == pytest.approx(alone.metrics["val_accuracy"])
        assert member["adds"] == pytest.approx(voted.metrics["val_accuracy"] - member["without it"], nan_ok=True)
    run = trained_store.get_run(voted.run_id)
    assert {"role": "model", "algorithm": "ensemble", "dataset": "digits"}.items() <= run.data.tags.items()
    assert members["run"][0] in run.data.tags["mlflow.note.content"]
    assert run.data.params == {"data": "digits", "split_seed": "0", "members": "8", "max_error": "0.001"}


def test_only_models_of_the_same_split_vote_and_no_ensemble_does(
    trained_store: Client, outcomes: list[RunResult], tmp_path: Path
) -> None:
    runs = {outcome.run_id for outcome in outcomes[:3]}
    members = members_of(trained_store, ensemble.run(Params("digits", members=2), silent), tmp_path)
    assert set(members["run"]) <= runs
    assert len(members) <= 2


def test_validation_images_choose_nobody(
    trained_store: Client, voted: RunResult, digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = members_of(trained_store, voted, tmp_path / "as they are")
    blank = dataclasses.replace(digits, validation=Part(digits.validation.images * 0, digits.validation.labels))
    monkeypatch.setattr(ensemble, "load_dataset", lambda *arguments, **options: blank)
    again = members_of(trained_store, ensemble.run(ON_DIGITS, silent), tmp_path / "blank")
    assert chosen[["run", "weight"]].equals(again[["run", "weight"]])


@pytest.mark.parametrize(
    ("part", "damage"), [("tuning", b""), ("tuning", b"not a zip file"), ("tuning", None), ("validation", b"")]
)
def test_a_model_whose_probabilities_cannot_be_read_is_passed_over(
    part: str,
    damage: bytes | None,
    trained_store: Client,
    outcomes: list[RunResult],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    spoilt = outcomes[0].run_id
    fetch = artifacts.fetch_file

    def spoil(root: str, name: str, folder: Path) -> Path:
        path = fetch(root, name, folder)
        if spoilt in root and name == f"{part}_probabilities.npz":
            path.unlink() if damage is None else path.write_bytes(damage)
        return path

    monkeypatch.setattr(results, "fetch_file", spoil)
    with caplog.at_level(logging.WARNING):
        outcome = ensemble.run(ON_DIGITS, silent)
    monkeypatch.setattr(results, "fetch_file", fetch)
    assert f"Passed over knn of run {spoilt}: the run has no {part}_probabilities.npz" in caplog.text
    assert spoilt not in set(members_of(trained_store, outcome, tmp_path)["run"])


def test_a_model_that_no_other_adds_to_votes_alone(
    trained_store: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs_members, "choose_voters", lambda votes, labels, most: np.eye(len(votes))[0])
    with caplog.at_level(logging.WARNING):
        members = members_of(trained_store, ensemble.run(ON_DIGITS, silent), tmp_path)
    assert len(members) == 1
    assert "votes alone" in caplog.text


def test_an_ensemble_can_become_champion(trained_store: Client, voted: RunResult) -> None:
    selected = select.run(select.Params(data="digits", algorithms="ensemble"), silent)
    assert isinstance(selected, select.Selection)
    assert selected.decision.choice.winner.candidate.run_id == voted.run_id
    assert Registry(trained_store).aliases()[CHAMPION] == selected.version


def test_a_model_that_does_not_load_is_passed_over(
    trained_store: Client,
    voted: RunResult,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    whole = members_of(trained_store, voted, tmp_path / "whole")
    broken = whole.sort_values("weight")["run"].iloc[-1]
    model_id = trained_store.get_run(broken).outputs.model_outputs[0].model_id
    load, fetch, fetched = DigitModel.load, models.fetch_model, {}

    def fetch_model(uri: str, folder: Path) -> Path:
        files = fetch(uri, folder)
        fetched[files] = uri
        return files

    def load_others(folder: Path) -> Any:
        if model_id in fetched.get(folder, ""):
            raise KeyError("gone")
        return load(folder)

    monkeypatch.setattr(jobs_members, "fetch_model", fetch_model)
    monkeypatch.setattr(DigitModel, "load", load_others)
    with caplog.at_level(logging.WARNING):
        members = members_of(trained_store, ensemble.run(ON_DIGITS, silent), tmp_path / "rest")
    assert broken in caplog.text
    assert broken not in set(members["run"])


def test_a_model_that_answers_otherwise_than_it_did_does_not_vote(
    trained_store: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """As after a change of the features in this project's code."""
    hog = FEATURES["hog"]
    monkeypatch.setitem(FEATURES, "hog", lambda images: hog(images)[:, ::-1])
    with caplog.at_level(logging.WARNING), pytest.raises(UserFacingError, match="takes two models that load"):
        ensemble.run(ON_DIGITS, silent)
    assert caplog.text.count("answers otherwise than when it was logged") == 2  # knn and svm, but not logistic


def test_one_model_is_no_ensemble(trained_store: Client) -> None:
    with pytest.raises(UserFacingError, match=r"two finished models or more; there are 1 on digits.*mlflow run \. "):
        ensemble.run(Params("digits", split_seed=1), silent)
    failed = trained_store.search_runs(["0"], "attributes.status = 'FAILED'")
    assert [run.data.tags["algorithm"] for run in failed] == ["ensemble"]


def test_voters_that_are_named_vote_with_the_weights_that_they_are_given(
    trained_store: Client, voted: RunResult, tmp_path: Path
) -> None:
    """Whatever their role: the same members give the same answers as when they were elected."""
    elected = members_of(trained_store, voted, tmp_path)
    weights = dict(zip(elected["run"], elected["weight"], strict=True))
    for run_id in weights:
        trained_store.set_tag(run_id, "role", "reproduction")
    again = ensemble.run(Params("digits", voters=typed_voters(weights)), silent)
    first, second = (trained_store.get_run(outcome.run_id) for outcome in (voted, again))
    readings = [read_kept(run.info.artifact_uri, "validation")[1] for run in (first, second)]
    assert np.array_equal(readings[0], readings[1])
    ids = ",".join(run_id[:8] for run_id in weights)
    assert (first.info.run_name, second.info.run_name) == ("ensemble", f"ensemble voters={ids}")
    assert first.data.tags["command"] == "mlflow run . -e ensemble --env-manager local -P data=digits"
    assert parse_command(second.data.tags["command"])[1] == {"data": "digits", "voters": typed_voters(weights)}
    assert second.data.params["voters"] == typed_voters(weights)


@pytest.mark.parametrize("weights", [{"ab": 0.1 + 0.2, "cd": 1 / 3, "ef": 1e-17}, {"ab": 1.0}])
def test_weights_are_typed_exactly(weights: dict[str, float]) -> None:
    assert parse_voters(Params(voters=typed_voters(weights)).voters) == weights


def test_a_voter_that_was_named_and_cannot_vote_is_an_error(trained_store: Client, outcomes: list[RunResult]) -> None:
    with pytest.raises(UserFacingError, match=f"The knn of run {outcomes[3].run_id} cannot vote: .* other images"):
        ensemble.run(Params("digits", voters=f"{outcomes[3].run_id}=0.5"), silent)
    with pytest.raises(UserFacingError, match="There is no run abcdef"):
        ensemble.run(Params("digits", voters="abcdef=0.5"), silent)


def test_a_vote_that_is_not_worth_its_members_says_so_and_names_them() -> None:
    labels = np.arange(10, dtype=np.uint8).repeat(2)
    best, weak = np.arange(20) < 16, np.arange(20) < 10
    names = ("svm", "knn", "mlp")
    members = [
        jobs_members.Member(
            Candidate(f"{name}-0123456789", "m", name, {}), weight, cast(Any, None), reads(labels, right)
        )
        for name, weight, right in zip(names, (0.6, 0.2, 0.2), (best, weak, weak), strict=True)
    ]
    beginning = "The vote is no better than its best member: 80.00 % of the validation images are read right, "
    assert list(ensemble.shortcomings(ensemble.contributions(members, labels))) == [
        f"{beginning}by svm svm-0123 alone 80.00 %.",
        "2 of 3 members add nothing on the validation images: knn knn-0123, mlp mlp-0123.",
    ]
    third = [reads(labels, np.arange(20) % 3 != number) for number in range(3)]
    others = [
        dataclasses.replace(member, weight=1 / 3, validation=rows) for member, rows in zip(members, third, strict=True)
    ]
    assert not list(ensemble.shortcomings(ensemble.contributions(others, labels)))
    assert not list(ensemble.shortcomings(ensemble.contributions(members[:1], labels)))
