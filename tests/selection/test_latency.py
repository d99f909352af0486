import time

import numpy as np
import pytest

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.selection.latency import ROUNDS, measure
from mnist_mlflow.tracking.models import Answer
from mnist_mlflow.types import Images, Probabilities, silent

IMAGES = np.zeros((1_500, 28, 28), np.uint8)


def accept(name: str, probabilities: Probabilities) -> None:
    assert probabilities.shape == (1_000, 10)


def test_models_are_asked_by_turns_for_the_same_batch() -> None:
    asked: list[tuple[str, int]] = []

    def load(address: str) -> Answer:
        def answer(images: Images) -> Probabilities:
            asked.append((address, len(images)))
            time.sleep(0.01 if address == "slow" else 0.001)
            return np.ones((len(images), 10))

        return answer

    ms, broken = measure({"a": "slow", "b": "quick"}, IMAGES, accept, silent, load)
    assert asked == [("slow", 1_000), ("quick", 1_000)] * (1 + ROUNDS)
    assert broken == {}
    assert 0.01 < ms["a"] < 0.2
    assert ms["b"] < ms["a"] / 2


@pytest.mark.parametrize("when", ["load", "answer"])
def test_a_model_that_does_not_load_or_answer_is_told_and_the_others_are_measured(when: str) -> None:
    def load(address: str) -> Answer:
        def answer(images: Images) -> Probabilities:
            if address == "bad":
                raise UserFacingError("it does not answer")
            return np.ones((len(images), 10))

        if address == "bad" and when == "load":
            raise UserFacingError("it does not load")
        return answer

    ms, broken = measure({"a": "bad", "b": "good"}, IMAGES, accept, silent, load)
    assert list(ms) == ["b"]
    assert broken == {"a": f"it does not {when}"}


def test_a_model_that_answers_otherwise_than_it_should_is_told() -> None:
    def refuse(name: str, probabilities: Probabilities) -> None:
        raise UserFacingError(f"{name} answers otherwise")

    assert measure({"a": "x"}, IMAGES, refuse, silent, lambda address: ones) == ({}, {"a": "a answers otherwise"})


def ones(images: Images) -> Probabilities:
    return np.ones((len(images), 10))
