from pathlib import Path

import mlflow
import pytest

from mnist_mlflow.protocol import Protocol
from mnist_mlflow.tracking.registry import REGISTERED_MODEL, register_champion, tag_version
from mnist_mlflow.training import Outcome, Task
from tests.conftest import Trained, train_into_copy

Client = mlflow.MlflowClient


@pytest.fixture(scope="module")
def trained(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two runs with their models."""
    tasks = [Task("knn", {"n_neighbors": count}, Protocol("digits", train_size=100)) for count in (1, 3)]
    return train_into_copy(new_store, tmp_path_factory.mktemp("trained"), *tasks)


@pytest.fixture
def store(trained_store: Client) -> Client:
    return trained_store


def register(client: Client, outcome: Outcome) -> int:
    return register_champion(client, outcome.model_id, outcome.run_id, "a card", {"algorithm": "knn"})


def test_the_champion_has_its_tags_and_description(store: Client, outcomes: list[Outcome]) -> None:
    version = register(store, outcomes[0])
    tag_version(store, version, {"test_accuracy": 0.9})
    champion = store.get_model_version_by_alias(REGISTERED_MODEL, "champion")
    assert (int(champion.version), champion.run_id) == (version, outcomes[0].run_id)
    assert champion.description == "a card"
    assert {"algorithm": "knn", "test_accuracy": "0.9"}.items() <= champion.tags.items()


def test_the_champion_before_becomes_previous(store: Client, outcomes: list[Outcome]) -> None:
    first, second = (register(store, outcome) for outcome in outcomes)
    versions = [
        int(store.get_model_version_by_alias(REGISTERED_MODEL, name).version) for name in ("previous", "champion")
    ]
    assert versions == [first, second]


def test_the_champion_again_stays_the_version_that_it_is(store: Client, outcomes: list[Outcome]) -> None:
    assert register(store, outcomes[0]) == register(store, outcomes[0])
    assert len(store.search_model_versions(f"name = '{REGISTERED_MODEL}'")) == 1
