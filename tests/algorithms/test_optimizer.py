from typing import Any

import keras
import numpy as np
import pytest

from mnist_mlflow.algorithms._optimizer import LENGTH, Muon


def moved(optimizer: Any, gradients: list[np.ndarray]) -> np.ndarray:
    """Where a variable gets from 0 in so many steps."""
    variable = keras.Variable(np.zeros_like(gradients[0]))
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return np.asarray(variable)


@pytest.mark.parametrize("shape", [(6,), (5, 6)])
def test_what_is_no_kernel_learns_by_adam(shape: tuple[int, ...]) -> None:
    gradients = list(np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32))
    assert np.allclose(moved(Muon(0.1), gradients), moved(keras.optimizers.Adam(0.1), gradients), atol=1e-6)


def test_a_kernel_goes_against_its_gradient_about_as_far_in_each_direction() -> None:
    gradient = np.random.default_rng(0).normal(size=(3, 3, 4, 8)).astype(np.float32)
    gradient[..., 0] *= 5  # one filter asks for more than the others
    step, before = (values.reshape(36, 8) for values in (moved(Muon(0.1), [gradient]), gradient))
    assert (step * before).sum() < 0
    lengths = np.linalg.svd(step, compute_uv=False) / (0.1 * LENGTH * np.sqrt(36))
    assert 0.5 < lengths.min() <= lengths.max() < 1.5
    assert np.linalg.cond(before) > 5
