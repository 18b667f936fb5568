"""Reductions under NumPy's names and with NumPy's arguments."""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.ops import composite, reduce
from gradiente.ops.operation import Operation
from gradiente.trace.axes import many_axes, one_axis, shape_of
from gradiente.trace.tensor import bind, floating, function, m


def _reduce(operation: Operation, x: Any, axis: Any, keepdims: bool) -> Any:
    axes = many_axes(axis, len(shape_of(x)))
    y = bind(operation, x, axes=axes)
    return m.expand_dims(y, axes) if keepdims else y


@function(np.sum, (np.add, "reduce"))
def sum_(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum along axes (all by default); small integers are summed as int64, as in NumPy."""
    summed = _reduce(reduce.sum_, x if dtype is None else m.cast(x, dtype), axis, keepdims)
    return summed if dtype is None else m.cast(summed, dtype)


@function(np.max, np.amax, (np.maximum, "reduce"))
def max_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The maximum along axes. Elements that tie share the gradient equally."""
    return _reduce(reduce.max_, x, axis, keepdims)


@function(np.min, np.amin, (np.minimum, "reduce"))
def min_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The minimum along axes. Elements that tie share the gradient equally."""
    return _reduce(reduce.min_, x, axis, keepdims)


@function(np.any, (np.logical_or, "reduce"))
def any_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """True where any element along the axes is true."""
    return _reduce(reduce.any_, x, axis, keepdims)


@function(np.all, (np.logical_and, "reduce"))
def all_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """True where all elements along the axes are true."""
    return _reduce(reduce.all_, x, axis, keepdims)


@function()
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """log Σ exp(x) along axes, without overflow."""
    return _reduce(composite.logsumexp, floating(x), axis, keepdims)


def _count(x: Any, axis: Any) -> int:
    shape = shape_of(x)
    count = 1
    for item in many_axes(axis, len(shape)):
        count *= shape[item]
    return count


def _quotient(total: Any, count: float) -> Any:
    """total / count; the mean of no elements is NaN, as in NumPy."""
    return total / count if count else total * np.nan


@function(np.mean)
def mean(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The arithmetic mean along axes."""
    x = floating(x) if dtype is None else m.cast(x, dtype)
    return _quotient(m.sum(x, axis=axis, keepdims=keepdims), _count(x, axis))


@function(np.var)
def var(
    x: Any,
    axis: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
) -> Any:
    """Σ (x - mean)² / (n - ddof) along axes, in two sweeps; `correction` is another ddof."""
    x = floating(x)
    deviation = x - m.mean(x, axis=axis, keepdims=True)
    total = m.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return _quotient(total, max(_count(x, axis) - (ddof if correction is None else correction), 0))


@function(np.std)
def std(
    x: Any,
    axis: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
) -> Any:
    """The square root of the variance; its gradient at variance 0 is infinite or NaN."""
    return m.sqrt(m.var(x, axis=axis, ddof=ddof, correction=correction, keepdims=keepdims))


@function(np.prod, (np.multiply, "reduce"))
def prod(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The product along axes, multiplied in pairs: its gradient is right where factors are 0."""
    if dtype is not None:
        return m.cast(m.prod(m.cast(x, dtype), axis=axis, keepdims=keepdims), dtype)
    shape = shape_of(x)
    axes = many_axes(axis, len(shape))
    kept = tuple(item for item in range(len(shape)) if item not in axes)
    y = m.reshape(m.transpose(x, (*kept, *axes)), (*(shape[k] for k in kept), _count(x, axis)))
    y = m.cast(y, np.prod(np.empty(0, y.dtype)).dtype)
    if y.shape[-1] == 0:
        y = np.ones((*y.shape[:-1], 1), y.dtype)
    while y.shape[-1] > 1:
        half = y.shape[-1] // 2
        pairs = y[..., :half] * y[..., half : 2 * half]
        y = m.concatenate([pairs, y[..., 2 * half :]], axis=-1) if y.shape[-1] % 2 else pairs
    return m.expand_dims(y[..., 0], axes) if keepdims else y[..., 0]


def _position(operation: Operation, x: Any, axis: Any, keepdims: bool) -> Any:
    flat = m.reshape(x, (-1,)) if axis is None else x
    place = 0 if axis is None else one_axis(axis, len(shape_of(x)))
    y = bind(operation, flat, axis=place)
    if not keepdims:
        return y
    return m.expand_dims(y, many_axes(axis, len(shape_of(x))))


@function(np.argmax)
def argmax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The index of the first maximum along an axis, or in the flattened array."""
    return _position(reduce.argmax, x, axis, keepdims)


@function(np.argmin)
def argmin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The index of the first minimum along an axis, or in the flattened array."""
    return _position(reduce.argmin, x, axis, keepdims)


@function(np.cumsum, np.cumulative_sum)
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The running sum along an axis, or of the flattened array."""
    if dtype is not None:
        return m.cast(m.cumsum(m.cast(x, dtype), axis), dtype)
    if axis is None:
        x, axis = m.reshape(x, (-1,)), 0
    return bind(reduce.cumsum, x, axis=one_axis(axis, len(shape_of(x))))


@function(np.count_nonzero)
def count_nonzero(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements differ from 0 along axes."""
    return m.sum(x != 0, axis=axis, keepdims=keepdims)


@function(np.average)
def average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """Σ w x / Σ w along axes; the plain mean without weights.

    Weights have the shape of x, or, for one axis, its length.
    """
    if weights is None:
        return m.mean(x, axis=axis, keepdims=keepdims)
    shape, own = shape_of(x), shape_of(weights)
    if own != shape:
        along = None if axis is None or len(own) != 1 else one_axis(axis, len(shape))
        if along is None or own[0] != shape[along]:
            raise ShapeError(
                f"`average`: weights of shape {own} fit neither x of shape {shape} nor one axis "
                f"of it.{current_source().explain()}"
            )
        aligned = tuple(own[0] if i == along else 1 for i in range(len(shape)))
        weights = m.broadcast_to(m.reshape(weights, aligned), shape)
    total = m.sum(weights, axis=axis, keepdims=keepdims)
    return m.sum(x * weights, axis=axis, keepdims=keepdims) / total
