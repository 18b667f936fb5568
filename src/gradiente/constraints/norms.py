"""Limits for the length of weight vectors.

A vector runs along the axes given, by default all but the last: the weights of one unit of a dense
layer, (inputs, units), or of one filter of a convolution, (*window, channels, filters). For an
`Embedding`, (entries, size), the axis of one entry is 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import accumulation_dtype
from gradiente.base.errors import InvalidArgumentError
from gradiente.constraints.constraint import Array, Constraint, declare

Axis = int | Sequence[int] | None


@declare
def MaxNorm(maximum: float = 2.0, axis: Axis = None) -> Constraint:
    """No vector is longer than a maximum.          w ← w · min(1, c / ‖w‖)

    c maximum; shorter vectors keep their bits. Default as in Keras, which shortens all a little.
    Raises `InvalidArgumentError` unless c > 0.

    N. Srebro, J. D. M. Rennie, T. S. Jaakkola, "Maximum-margin matrix factorization", NIPS 2004.
    """
    maximum = check_number("maximum", maximum, above=0)
    axis = _checked(axis)

    def function(w: Array) -> Array:
        norm = _norm(w, axis)
        return _scaled(w, np.where(norm > maximum, maximum / np.maximum(norm, maximum), 1.0))

    return Constraint("MaxNorm", function, {"maximum": maximum, "axis": axis})


@declare
def UnitNorm(axis: Axis = None) -> Constraint:
    """Every vector has the length one.          w ← w / ‖w‖

    A vector of zeros, which has no direction, stays. `nn.WeightNorm` keeps the length apart
    instead. Source: Keras.
    """
    axis = _checked(axis)

    def function(w: Array) -> Array:
        norm = _norm(w, axis)
        return _scaled(w, 1.0 / np.where(norm > 0, norm, 1.0))

    return Constraint("UnitNorm", function, {"axis": axis})


@declare
def MinMaxNorm(
    minimum: float = 0.0, maximum: float = 1.0, rate: float = 1.0, axis: Axis = None
) -> Constraint:
    """Every vector is neither shorter than a minimum nor longer than a maximum.

        w ← w · (r · min(max(‖w‖, a), b) + (1 − r) ‖w‖) / ‖w‖

    a minimum, b maximum; r rate: with less than 1, a vector outside comes nearer with each update.
    Vectors within keep their bits, and one of zeros stays. Defaults are those of Keras. Raises
    `InvalidArgumentError` unless 0 ≤ a ≤ b, b > 0 and 0 ≤ r ≤ 1. Source: Keras.
    """
    maximum = check_number("maximum", maximum, above=0)
    minimum = check_number("minimum", minimum, at_least=0, at_most=maximum)
    rate = check_number("rate", rate, at_least=0, at_most=1)
    axis = _checked(axis)

    def function(w: Array) -> Array:
        norm = _norm(w, axis)
        limited = np.minimum(np.maximum(norm, minimum), maximum)
        factor = rate * (limited / np.where(norm > 0, norm, 1.0)) + (1.0 - rate)
        return _scaled(w, np.where((limited == norm) | (norm == 0), 1.0, factor))

    options = {"minimum": minimum, "maximum": maximum, "rate": rate, "axis": axis}
    return Constraint("MinMaxNorm", function, options)


def _checked(axis: Any) -> int | tuple[int, ...] | None:
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    if axis is not None and not (axes and all(type(each) is int for each in axes)):
        raise InvalidArgumentError(
            f"`axis` is {axis!r}: it must be a whole number, several in a tuple, or None."
        )
    return axes if isinstance(axis, tuple | list) else axis


def _norm(w: Array, axis: int | tuple[int, ...] | None) -> Array:
    """The lengths of the vectors, with axes of length 1 in place of theirs; in float32 at least."""
    wide = w.astype(accumulation_dtype(w.dtype))
    axes = tuple(range(max(len(w.shape) - 1, 1))) if axis is None and len(w.shape) else axis
    return np.sqrt(np.sum(wide * wide, axis=axes, keepdims=True))


def _scaled(w: Array, factor: Array) -> Array:
    return (w * factor).astype(w.dtype)
