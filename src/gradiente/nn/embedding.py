"""Tables of vectors looked up by integers, one at a time or in bags."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.gradient.control import stop_gradient
from gradiente.initializers.distributions import normal
from gradiente.nn.dtypes import array
from gradiente.nn.module import Initializer, Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m

NORM_EPSILON = 1e-7  # as PyTorch, beside the length of a vector that is shortened


class _Table(Module):
    """What the lookup of vectors has in common."""

    def __init__(
        self,
        entries: int,
        size: int,
        weight_initializer: Initializer = normal,
        *,
        padding_index: int | None = None,
        max_norm: float | None = None,
    ):
        self.entries = check_count("entries", entries, at_least=1)
        self.size = check_count("size", size, at_least=1)
        self.weight_initializer = weight_initializer
        self.padding_index = _checked_padding(padding_index, self.entries)
        self.max_norm = None if max_norm is None else check_number("max_norm", max_norm, above=0)
        self.weight: Any = None

    def _looked_up(self, x: Any) -> Any:
        """The vectors of x, and constants of the gradient for those of padding."""
        shape = (self.entries, self.size)
        y = m.take(self.parameter("weight", shape, self._start), x, axis=0)
        if self.max_norm is not None:
            y = y + stop_gradient(y * self._scale(y) - y)
        if self.padding_index is None:
            return y
        return m.where(m.expand_dims(self._is_padding(x), -1), stop_gradient(y), y)

    def _start(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        weight = np.array(self.weight_initializer(key, shape, dtype))
        if self.padding_index is not None:
            weight[self.padding_index] = 0
        return weight

    def _scale(self, y: Any) -> Any:
        length = m.sqrt(m.sum(y * y, axis=-1, keepdims=True))
        return m.where(length > self.max_norm, self.max_norm / (length + NORM_EPSILON), 1.0)

    def _is_padding(self, x: Any) -> Any:
        assert self.padding_index is not None
        found = x == self.padding_index
        if x.dtype.kind == "u":
            return found
        return found | (x == self.padding_index - self.entries)  # counted from the end

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        return {"padding_index": (self.padding_index, None), "max_norm": (self.max_norm, None)}


class Embedding(_Table):
    """y = weight[x]: a trained vector for each of a number of categories.

    entries: how many categories; size: the length of each vector; padding_index: the category
    whose vector starts at zero and gets no gradient; max_norm: longer vectors are shortened to this
    length when looked up, and the gradient passes as it is, as in PyTorch, which shortens them in
    the table.
    weight: (entries, size), standard normal at the start, float32.
    x: (...) integers in [-entries, entries), where -1 is the last one -> y: (..., size)
    Bengio et al., "A neural probabilistic language model", JMLR 3 (2003).

    Raises `InvalidArgumentError` for sizes below 1, a max_norm not above 0 and a padding_index that
    is no category, `TypeMismatchError` if x is not of integers, `IndexRangeError` if one is out of
    range.
    """

    def __call__(self, x: Any) -> Any:
        return self._looked_up(checked_integers(self, x))

    def __repr__(self) -> str:
        return written(self, self.entries, self.size, **self._settings())


class EmbeddingBag(_Table):
    """y = Σₖ weight[xₖ] / n, the mean of the vectors of a bag; or their sum, or their maximum.

    mode: "mean", "sum" or "max"; the other arguments as in `Embedding`. What is padding does not
    count, so that bags of different sizes are filled up with it; a bag of padding only gives zeros.
    x: (..., bag) integers, or a tuple of these and weights of the same shape, by which the vectors
    are multiplied before they are summed -> y: (..., size); weight: (entries, size)
    Source: PyTorch.

    Raises the errors of `Embedding`, and `InvalidArgumentError` for another mode and for weights
    in another mode than "sum".
    """

    def __init__(
        self,
        entries: int,
        size: int,
        mode: str = "mean",
        weight_initializer: Initializer = normal,
        *,
        padding_index: int | None = None,
        max_norm: float | None = None,
    ):
        super().__init__(
            entries, size, weight_initializer, padding_index=padding_index, max_norm=max_norm
        )
        self.mode = check_choice("mode", mode, ("mean", "sum", "max"))

    def __call__(self, x: Any) -> Any:
        x, weights = x if isinstance(x, tuple) else (x, None)
        if weights is not None and self.mode != "sum":
            raise InvalidArgumentError(
                f'{self!r} takes no weights: they are for mode="sum".' + current_source().explain()
            )
        x = checked_integers(self, x, axes=1)
        y = self._looked_up(x)
        if weights is not None:
            y = y * m.expand_dims(m.cast(array(weights), y.dtype), -1)
        if self.padding_index is None:
            counted = np.ones((*x.shape, 1), bool)
        else:
            counted = m.expand_dims(~self._is_padding(x), -1)
        if self.mode == "max":
            largest = m.max(m.where(counted, y, -np.inf), axis=-2)
            return m.where(m.any(counted, axis=-2), largest, 0.0)
        total = m.sum(m.where(counted, y, 0.0), axis=-2)
        if self.mode == "sum":
            return total
        return total / m.maximum(m.sum(m.cast(counted, y.dtype), axis=-2), 1.0)

    def __repr__(self) -> str:
        return written(self, self.entries, self.size, mode=(self.mode, "mean"), **self._settings())


def checked_integers(layer: Module, x: Any, axes: int = 0) -> Any:
    """x, if it is of integers; raises `TypeMismatchError` in the name of the layer otherwise."""
    x = array(x, axes)
    if x.dtype.kind not in "iu":
        raise TypeMismatchError(
            f"{type(layer).__name__} looks up integers, got {x.dtype}; convert with "
            "`.astype(int)`." + current_source().explain()
        )
    return x


def _checked_padding(index: Any, entries: int) -> int | None:
    if index is None:
        return None
    whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
    if not whole or not -entries <= index < entries:
        raise InvalidArgumentError(
            f"`padding_index` is {index!r}: it must be one of {entries} categories, from 0."
        )
    return int(index) % entries
