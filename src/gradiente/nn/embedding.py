"""A table of vectors looked up by integers."""

from typing import Any

from gradiente.base.errors import InvalidArgumentError, TypeMismatchError
from gradiente.initializers.distributions import normal
from gradiente.nn.module import Initializer, Module
from gradiente.trace.functions import m


class Embedding(Module):
    """y = weight[x]: a trained vector for each of a number of categories.

    entries: how many categories; size: the length of each vector.
    weight: (entries, size), standard normal at the start.
    x: (...) integers in [0, entries) -> y: (..., size)

    Raises `TypeMismatchError` if x is not of integers, `IndexRangeError` if one is out of range.
    """

    def __init__(self, entries: int, size: int, weight_initializer: Initializer = normal):
        if entries < 1 or size < 1:
            raise InvalidArgumentError("Embedding needs at least one entry of at least size 1.")
        self.entries = entries
        self.size = size
        self.weight_initializer = weight_initializer
        self.weight: Any = None

    def __call__(self, x: Any) -> Any:
        if x.dtype.kind not in "iu":
            raise TypeMismatchError(f"Embedding looks up integers, got {x.dtype}.")
        weight = self.parameter("weight", (self.entries, self.size), self.weight_initializer)
        return m.take(weight, x, axis=0)

    def __repr__(self) -> str:
        return f"Embedding({self.entries}, {self.size})"
