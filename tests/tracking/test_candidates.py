from typing import Any, TypeAlias

import mlflow
import pytest

from mnist_mlflow.errors import UsageError
from mnist_mlflow.tracking import candidates
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query, not_comparable
from tests.simulated import add_run

Client: TypeAlias = mlflow.MlflowClient
QUERY = Query("d", "s")


def run_ids(client: Client, query: Query = QUERY) -> list[str]:
    return [candidate.run_id for candidate in Candidates(client, query)]


def test_the_best_comes_first_then_the_surer(store: Client) -> None:
    third, first, second = add_run(store, 0.97), add_run(store, 0.98, 0.05), add_run(store, 0.98, 0.06)
    assert run_ids(store) == [first, second, third]
    best = next(Candidates(store, QUERY))
    assert best.model_uri.startswith("models:/m-")
    assert best.params["n_neighbors"] == "4"
    assert best.end_time > 0


def test_the_last_points_of_learning_curves_are_no_figures_of_the_model() -> None:
    candidate = Candidate("r", "m", "knn", {"val_accuracy": 0.9, "train_loss": 1, "epoch_x": 2, "test_accuracy": 0.5})
    assert candidate.final_metrics == {"val_accuracy": 0.9, "test_accuracy": 0.5}
    assert candidate.test_metrics == {"test_accuracy": 0.5}


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "FAILED"},
        {"status": "RUNNING"},
        {"role": "trial"},
        {"dataset_digest": "other"},
        {"split_digest": "other"},
    ],
)
def test_only_comparable_runs_are_candidates(store: Client, changed: Any) -> None:
    add_run(store, 0.99, **changed)
    expected = add_run(store, 0.9)
    assert run_ids(store) == [expected]


def test_a_run_whose_model_is_gone_or_not_ready_is_no_candidate(store: Client) -> None:
    gone, unready, expected = (add_run(store, accuracy) for accuracy in (0.99, 0.98, 0.9))
    models = {run_id: store.get_run(run_id).outputs.model_outputs[0].model_id for run_id in (gone, unready)}
    store.delete_logged_model(models[gone])
    store.finalize_logged_model(models[unready], "FAILED")
    assert run_ids(store) == [expected]


def test_candidates_come_from_all_experiments_and_all_pages(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MODELS_A_PAGE", 2)
    other = store.create_experiment("other")
    expected = [add_run(store, 0.9 + number / 100) for number in range(4)] + [add_run(store, 0.8, experiment=other)]
    assert sorted(run_ids(store)) == sorted(expected)


def test_no_more_is_read_than_is_asked_for(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MODELS_A_PAGE", 1)
    expected = [add_run(store, accuracy) for accuracy in (0.99, 0.98, 0.97)]
    conditions: list[str] = []
    search = store.search_runs

    def count(*arguments: object, **named: object) -> object:
        conditions.append(str(arguments[1]))
        return search(*arguments, **named)

    monkeypatch.setattr(store, "search_runs", count)
    assert next(Candidates(store, QUERY)).run_id == expected[0]
    assert len(conditions) == 1


def test_what_is_asked_narrows_the_candidates(store: Client) -> None:
    other = store.create_experiment("other")
    svm, elsewhere, plain = (
        add_run(store, 0.9, algorithm="svm"),
        add_run(store, 0.8, experiment=other),
        add_run(store, 0.7),
    )
    assert run_ids(store, Query("d", "s", algorithms=("svm", "forest"))) == [svm]
    assert run_ids(store, Query("d", "s", experiment="other")) == [elsewhere]
    assert run_ids(store, Query("d", "s", where="metrics.val_accuracy < 0.85 and params.n_neighbors = '4'")) == [
        elsewhere,
        plain,
    ]
    began = store.get_run(plain).info.start_time
    assert plain in run_ids(store, Query("d", "s", since=began))
    assert run_ids(store, Query("d", "s", since=began + 60_000)) == []
    assert not QUERY.is_narrow
    assert Query("d", "s", where="metrics.x > 1").is_narrow


@pytest.mark.parametrize("where", ["metrics.val_accuracy >>> 1", "nonsense", "metrics.a > 1 or metrics.b > 1"])
def test_a_filter_that_mlflow_does_not_understand_is_answered_with_an_example(store: Client, where: str) -> None:
    with pytest.raises(UsageError, match=r"no filter that MLflow understands.*For example: where="):
        run_ids(store, Query("d", "s", where=where))


def test_an_experiment_that_is_not_there_is_answered_with_those_that_are(store: Client) -> None:
    store.create_experiment("other")
    with pytest.raises(UsageError, match="no experiment 'mine' in the store; accepted: Default, other"):
        run_ids(store, Query("d", "s", experiment="mine"))


def test_models_on_other_images_are_listed_once_for_each(store: Client) -> None:
    add_run(store, 0.9)
    others: list[Any] = [{"split_digest": "t"}, {"split_digest": "u", "dataset_digest": "e"}, {"dataset_digest": "e"}]
    runs = [add_run(store, 0.9, dataset="digits", **changed) for changed in (*others, *others)]
    listed = not_comparable(store, QUERY)
    assert {(other.split_digest, other.dataset_digest) for other in listed} == {("t", "d"), ("u", "e"), ("s", "e")}
    assert len(listed) == 3
    assert {other.run_id for other in listed} <= set(runs)
    assert listed[0].text.startswith("runs on digits, split_seed=0, for example ")


@pytest.mark.parametrize("where", ["metrics.test_accuracy > 0.9", 'metrics."test_f1_3" > 0', "metric.`test_ece` < 1"])
def test_a_filter_may_not_look_at_the_test_images(store: Client, where: str) -> None:
    with pytest.raises(UsageError, match="the test images are shut until the choice is made"):
        run_ids(store, Query("d", "s", where=where))


def test_a_run_is_found_once_however_many_models_it_has(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MODELS_A_PAGE", 1)
    run_id = add_run(store, 0.9)
    second = store.create_logged_model("0", source_run_id=run_id, tags={"dataset_digest": "d", "split_digest": "s"})
    store.finalize_logged_model(second.model_id, "READY")
    assert run_ids(store) == [run_id]


def test_what_is_no_number_is_no_accuracy(store: Client) -> None:
    add_run(store, float("nan"))
    expected = add_run(store, 0.9)
    assert run_ids(store) == [expected]


def test_what_others_have_written_into_the_tags_does_no_harm(store: Client) -> None:
    for split in ("it's", *map(str, range(80))):
        store.create_run("0", tags={"role": "model", "split_digest": split})
    assert len(not_comparable(store, QUERY)) == 81
