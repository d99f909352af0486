"""Outputs of a graph's nodes with which formulas are written as in NumPy."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mnist_mlflow.algorithms._graphs.building import GraphBuilder


class Numbers:
    """An output by its name, with its dtype, which the constants and results of formulas have too."""

    def __init__(self, builder: GraphBuilder, name: str, dtype: npt.DTypeLike) -> None:
        self.builder, self.name, self.dtype = builder, name, np.dtype(dtype)

    def into(self, operator: str, *inputs: Any, **attributes: Any) -> Self:
        """The output of a node that takes these numbers first."""
        names = [self._input(value) for value in inputs]
        return self._of(self.builder.add(operator, self.name, *names, **attributes))

    def _of(self, name: str) -> Self:
        return type(self)(self.builder, name, self.dtype)

    def _input(self, value: Any) -> Any:
        """The name of an output; a constant of this dtype; arrays, as shapes and axes are, with their own."""
        if isinstance(value, Numbers):
            return value.name
        return np.asarray(value, self.dtype) if isinstance(value, float) else value

    def _with(self, operator: str, other: Any) -> Self:
        return self.into(operator, other if isinstance(other, Numbers) else np.asarray(other, self.dtype))

    def __add__(self, other: Any) -> Self:
        return self._with("Add", other)

    def __sub__(self, other: Any) -> Self:
        return self._with("Sub", other)

    def __mul__(self, other: Any) -> Self:
        return self._with("Mul", other)

    def __truediv__(self, other: Any) -> Self:
        return self._with("Div", other)

    def __rsub__(self, other: Any) -> Self:
        return self._of(self.builder.add("Sub", np.asarray(other, self.dtype), self.name))

    def __matmul__(self, other: Any) -> Self:
        return self._with("MatMul", other)

    def to(self, dtype: npt.DTypeLike) -> Self:
        """The same numbers in another dtype."""
        return type(self)(self.builder, self.builder.add_cast(self.name, dtype), dtype)

    def unless(self, condition: Numbers, otherwise: Any) -> Self:
        """These numbers, but `otherwise` where a condition holds."""
        return self._of(self.builder.add("Where", condition.name, self._input(otherwise), self.name))
