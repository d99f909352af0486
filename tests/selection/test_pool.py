import dataclasses
from pathlib import Path
from typing import TypeAlias

import mlflow
import numpy as np
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.significance import holm, mcnemar
from mnist_mlflow.protocol import Rule
from mnist_mlflow.selection import pool as ranking
from mnist_mlflow.selection.pool import Contender, Reader, gather, over_budget, stand
from mnist_mlflow.tracking.candidates import Candidate, as_candidate
from tests.simulated import add_model, add_run, labels_of, reads, right_but

Client: TypeAlias = mlflow.MlflowClient
IMAGES = 1_000


def candidate(mistakes: int, name: str = "knn", **metrics: float) -> Candidate:
    accuracy = 1 - mistakes / IMAGES
    return Candidate(f"{name}-{mistakes}", "m", name, {"val_accuracy": accuracy, "val_log_loss": 0.1, **metrics})


def contender(mistakes: int, start: int = 0) -> Contender:
    return Contender(candidate(mistakes), right_but(IMAGES, range(start, start + mistakes)))


def read(found: Candidate) -> Contender:
    return contender(round((1 - found.metrics["val_accuracy"]) * IMAGES))


def test_the_best_is_what_the_others_stand_against() -> None:
    contenders = [contender(10), contender(12, 100), contender(60, 300)]
    best, near, far = stand(contenders)
    assert (best.p_value, best.difference, best.is_worse) == (1, (0, 0, 0), False)
    p_values = [mcnemar(contenders[0].right, other.right) for other in contenders[1:]]
    assert [near.p_value, far.p_value] == holm(p_values)
    assert (near.is_worse, far.is_worse) == (False, True)
    assert near.difference[0] == pytest.approx(-0.002)
    assert near.interval[0] < near.accuracy < near.interval[1]


def test_many_comparisons_make_it_harder_to_be_called_worse() -> None:
    close = contender(22, 100)
    assert stand([contender(8), close])[1].is_worse
    assert not stand([contender(8), close, *[contender(9)] * 30])[1].is_worse


def test_what_is_certainly_worse_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(found: Candidate) -> Contender:
        asked.append(found.run_id)
        return read(found)

    monkeypatch.setattr(ranking, "MOST_BEHIND", 3)
    unread = iter([candidate(mistakes) for mistakes in (5, 9, 200, 300, 400, 500, 600)])
    found = gather(unread, Rule(), note, {})
    assert asked == ["knn-5", "knn-9"]
    assert [behind.run_id for behind in found.behind] == ["knn-200", "knn-300", "knn-400"]
    assert [left.run_id for left in unread] == ["knn-500", "knn-600"]
    assert [one.run_id for one in found.candidates] == ["knn-5", "knn-9", "knn-200", "knn-300", "knn-400"]


def test_whoever_might_share_no_mistake_with_the_best_and_still_be_as_good_is_read() -> None:
    found = gather([candidate(10), candidate(40), candidate(70)], Rule(), read, {})
    assert [one.candidate.run_id for one in found.contenders] == ["knn-10", "knn-40"]


def test_who_may_not_take_part_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(found: Candidate) -> Contender:
        if found.run_id == "knn-6":
            raise UserFacingError("its file is damaged")
        return read(found)

    monkeypatch.setattr(ranking, "MOST_COMPARED", 2)
    given = [candidate(4, model_mb=9.0), *map(candidate, (5, 6, 7, 8, 9))]
    found = gather(given, Rule(max_mb=5), fail, {"knn-5": "it does not load"})
    reasons = {run_id: reason for run_id, (_, reason) in found.left_out.items()}
    assert reasons["knn-4"] == "its model_mb 9, over max_mb=5"
    assert reasons["knn-5"] == "it does not load"
    assert reasons["knn-7"] == "its model_mb is unknown, over max_mb=5"
    assert gather(given[1:], Rule(), fail, {}).left_out["knn-6"][1] == "its file is damaged"
    cut = gather(given[1:], Rule(), fail, {})
    assert [one.candidate.run_id for one in cut.contenders] == ["knn-5", "knn-7"]
    assert cut.floor == 1 - 8 / IMAGES
    assert "knn, run knn-4: its model_mb 9, over max_mb=5" in found.left_out_text


def test_a_budget_is_kept_by_what_is_just_within() -> None:
    assert over_budget(candidate(1, val_ece=0.01), Rule(max_ece=0.01)) == ""
    assert "over max_ece=0.01" in over_budget(candidate(1, val_ece=0.0101), Rule(max_ece=0.01))


@pytest.fixture
def labels() -> np.ndarray:
    return labels_of(200)


def test_a_reader_reads_which_images_are_read_right(store: Client, labels: np.ndarray) -> None:
    right = right_but(200, range(7))
    found = Reader(labels)(add_model(store, labels, right))
    assert np.array_equal(found.right, right)
    assert found.mistakes == 7


def test_a_reader_reads_once(store: Client, labels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, model = Reader(labels), add_model(store, labels, right_but(200, range(7)))
    first = reader(model)
    monkeypatch.setattr(ranking, "read_probabilities", None)
    assert reader(model) is first


def test_probabilities_that_are_missing_or_about_other_images_cannot_be_read(store: Client, labels: np.ndarray) -> None:
    bare = as_candidate(store, add_run(store, 0.9), "m")
    with pytest.raises(UserFacingError, match=r"no validation_probabilities\.npz that can be read"):
        Reader(labels)(bare)
    with pytest.raises(UserFacingError, match="about other images"):
        Reader(labels[:-1])(add_model(store, labels, right_but(200)))


def test_probabilities_of_the_wrong_length_cannot_be_read(store: Client, labels: np.ndarray, tmp_path: Path) -> None:
    model = add_model(store, labels, right_but(200))
    np.savez(tmp_path / "validation_probabilities.npz", labels=labels, probabilities=np.ones((150, 10)))
    store.log_artifacts(model.run_id, str(tmp_path))
    with pytest.raises(UserFacingError, match=r"wrong shape: \(150, 10\) for 200 labels"):
        Reader(labels)(model)


def test_an_accuracy_that_its_probabilities_do_not_have_is_not_believed(store: Client, labels: np.ndarray) -> None:
    model = add_model(store, labels, right_but(200, range(50)))
    boast = dataclasses.replace(model, metrics={**model.metrics, "val_accuracy": 0.999})
    with pytest.raises(UserFacingError, match=r"another accuracy \(0\.7500\) than was logged"):
        Reader(labels)(boast)


def test_a_model_is_asked_where_its_run_tells_nothing(labels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    right = right_but(200, range(5))
    monkeypatch.setattr(ranking, "predict", lambda address, images: reads(labels, right))
    found = Reader(labels).ask(candidate(1), np.zeros((200, 28, 28), np.uint8))
    assert np.array_equal(found.right, right)


def test_answers_may_differ_a_little_from_those_that_were_logged(store: Client, labels: np.ndarray) -> None:
    reader, model = Reader(labels), add_model(store, labels, right_but(200, range(7)))
    reader(model)
    reader.check(model.run_id, reads(labels, right_but(200, range(10)))[:150])
    with pytest.raises(UserFacingError, match="it reads 4 of 150 images otherwise than when it was logged"):
        reader.check(model.run_id, reads(labels, right_but(200, range(11)))[:150])


def test_the_most_accurate_is_the_best_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    found = gather([candidate(40), candidate(10)], Rule(), read, {})
    assert [one.mistakes for one in found.contenders] == [10, 40]
    assert not stand(list(reversed(found.contenders)))[1].is_worse


def test_figures_that_are_no_numbers_are_over_every_budget_and_no_accuracy(store: Client, labels: np.ndarray) -> None:
    assert "over max_mb=5" in over_budget(candidate(1, model_mb=float("nan")), Rule(max_mb=5))
    model = add_model(store, labels, right_but(200))
    with pytest.raises(UserFacingError, match="than was logged"):
        Reader(labels)(dataclasses.replace(model, metrics={**model.metrics, "val_accuracy": float("nan")}))


def test_a_file_of_another_kind_cannot_be_read(store: Client, labels: np.ndarray, tmp_path: Path) -> None:
    model = add_model(store, labels, right_but(200))
    with (tmp_path / "validation_probabilities.npz").open("wb") as file:
        np.save(file, labels)
    store.log_artifacts(model.run_id, str(tmp_path))
    with pytest.raises(UserFacingError, match=r"no validation_probabilities\.npz that can be read"):
        Reader(labels)(model)
