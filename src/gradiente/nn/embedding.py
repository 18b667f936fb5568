"""A table of vectors looked up by integers."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import TypeMismatchError
from gradiente.base.source import current_source
from gradiente.initializers.distributions import normal
from gradiente.nn.module import Initializer, Module
from gradiente.trace.functions import Tensor, m


class Embedding(Module):
    """y = weight[x]: a trained vector for each of a number of categories.

    entries: how many categories; size: the length of each vector.
    weight: (entries, size), standard normal at the start, float32.
    x: (...) integers in [-entries, entries), where -1 is the last one -> y: (..., size)

    Raises `InvalidArgumentError` for sizes below 1, `TypeMismatchError` if x is not of integers,
    `IndexRangeError` if one is out of range.

    Bengio et al., "A neural probabilistic language model", JMLR 3 (2003).
    """

    def __init__(self, entries: int, size: int, weight_initializer: Initializer = normal):
        self.entries = check_count("entries", entries, at_least=1)
        self.size = check_count("size", size, at_least=1)
        self.weight_initializer = weight_initializer
        self.weight: Any = None

    def __call__(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            x = np.asarray(x)
        if x.dtype.kind not in "iu":
            raise TypeMismatchError(
                f"Embedding looks up integers, got {x.dtype}; convert with `.astype(int)`."
                + current_source().explain()
            )
        weight = self.parameter("weight", (self.entries, self.size), self.weight_initializer)
        return m.take(weight, x, axis=0)

    def __repr__(self) -> str:
        return f"Embedding({self.entries}, {self.size})"
