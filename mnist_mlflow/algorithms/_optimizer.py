"""The optimizer of networks. Importing this file imports Keras and TensorFlow."""

from __future__ import annotations

import math
from typing import Any

from mnist_mlflow.algorithms._graphs.network import keras

LENGTH = 0.8  # of a step of kernels: the root mean square of its weights, in learning rates
ITERATIONS = 3  # of Newton and Schulz, after which a step goes about as far in each direction


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Muon for the kernels of convolutions, Adam for everything else.

    A step of a kernel goes equally far in all directions that its gradient has. Two epochs learn more so. Keras leaves
    kernels to Adam, since they are no matrices; here each is one, with a column for each filter.
    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.
    """

    def __init__(self, learning_rate: Any) -> None:
        super().__init__(learning_rate, adam_weight_decay=None, weight_decay=None, ns_steps=ITERATIONS, rms_rate=None)

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """The step of a kernel whose gradients have added up to `x`."""
        matrix = keras.ops.reshape(x, (-1, x.shape[-1]))
        step = LENGTH * math.sqrt(max(matrix.shape)) * super().zeropower_via_newtonschulz5(matrix, steps)
        return keras.ops.reshape(step, x.shape)
