"""Text that becomes part of a question to the store."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.parameters import parameters_of
from mnist_mlflow.protocol import Scope
from mnist_mlflow.selection.scope import as_query
from mnist_mlflow.tracking.candidates import Candidates, Query, not_comparable
from mnist_mlflow.tracking.evaluations import find_evaluated
from mnist_mlflow.tracking.trials import running_searches
from tests.conftest import use_store
from tests.fuzz.strategies import typed

FIELDS = ("metrics.val_accuracy", "params.seed", "tags.role", "attributes.status", "start_time", "metrics.`a b`", "x")
SIGNS = ("=", "!=", ">", "<=", "LIKE", "ILIKE", "IN", "is null", "and", "or", "'", "(", ")", ";", "--")
conditions = st.lists(st.sampled_from([*FIELDS, *SIGNS, "0.5", "'a'", "('a')", "%"]), max_size=5).map(" ".join) | typed


@pytest.fixture(scope="module")
def client(new_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow.MlflowClient]:
    with pytest.MonkeyPatch.context() as patch:
        yield use_store(Path(shutil.copy(new_store, tmp_path_factory.mktemp("filters"))), patch)
    mlflow.set_tracking_uri(None)


@given(where=conditions, experiment=st.just("") | typed)
def test_conditions_and_experiments(client: mlflow.MlflowClient, where: str, experiment: str) -> None:
    query = Query("digest", "split", where=where, experiment=experiment)
    with suppress(UserFacingError):
        assert not list(Candidates(client, query))
        assert not not_comparable(client, query)


@pytest.fixture(scope="module")
def search(client: mlflow.MlflowClient) -> str:
    """The id of a search that has not ended."""
    run_id: str = client.create_run("0", tags={"owner": "{}"}).info.run_id
    return run_id


@given(name=st.from_regex(r"[\w.-]{1,100}", fullmatch=True))
def test_names_of_studies(client: mlflow.MlflowClient, search: str, name: str) -> None:
    client.set_tag(search, "study", name)
    assert running_searches(client, name) == {search: "{}"}
    assert not running_searches(client, f"{name}-2")


@given(scope=st.fixed_dictionaries({}, optional={one.name: typed for one in parameters_of(Scope)}))
def test_scopes(digits: Dataset, scope: dict[str, str]) -> None:
    with suppress(UserFacingError):
        assert as_query(digits, Scope(**scope)).since is not None


@given(
    name=typed.filter(lambda text: "://" not in text), kind=st.sampled_from(["", "models:/", "runs:/", "models:/a@"])
)
def test_addresses_of_models(client: mlflow.MlflowClient, name: str, kind: str) -> None:
    with suppress(UserFacingError):
        find_evaluated(f"{kind}{name}")
