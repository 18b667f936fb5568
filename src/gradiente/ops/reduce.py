"""Reductions: many elements become one, along axes.

Axes are a tuple of non-negative integers; reduced axes disappear. Elements that tie for the
maximum or minimum share the gradient equally.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.types import ArrayType
from gradiente.ops.operation import Operation, example, operation

Axes = tuple[int, ...]


def _without(shape: tuple[int, ...], axes: Axes) -> tuple[int, ...]:
    return tuple(length for axis, length in enumerate(shape) if axis not in axes)


def _require_elements(name: str, x: ArrayType, axes: Axes) -> None:
    if any(x.shape[axis] == 0 for axis in axes):
        raise ShapeError(f"`{name}` over an axis without elements has no value (shape {x.shape}).")


@operation(example((3, 4), axes=(0,)), example((2, 3, 4), axes=(0, 2)), example((0, 3), axes=(0,)))
def sum_(x: Any, *, axes: Axes) -> Any:
    """y = Σ x                               x̄ = ḡ, repeated along the reduced axes"""
    return np.sum(x, axis=axes)


@sum_.type
def _(x: ArrayType, *, axes: Axes) -> ArrayType:
    return ArrayType(_without(x.shape, axes), np.sum(np.empty(0, x.dtype)).dtype)


@sum_.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axes: Axes) -> tuple[Any, ...]:
    return (m.broadcast_to(m.expand_dims(g, axes), x.shape),)


def _ties(m: Any, g: Any, y: Any, x: Any, axes: Axes) -> Any:
    """g divided equally among the elements that equal the extreme value."""
    winners = m.cast(x == m.expand_dims(y, axes), g.dtype)
    return m.expand_dims(g, axes) * winners / m.sum(winners, axis=axes, keepdims=True)


@operation(example((3, 4), axes=(1,)), example((2, 3, 4), axes=(0, 2)), example((3,), axes=(0,)))
def max_(x: Any, *, axes: Axes) -> Any:
    """y = max x                             x̄ = ḡ where x = y, shared among ties"""
    return np.max(x, axis=axes)


@operation(example((3, 4), axes=(1,)), example((2, 3, 4), axes=(0, 2)))
def min_(x: Any, *, axes: Axes) -> Any:
    """y = min x                             x̄ = ḡ where x = y, shared among ties"""
    return np.min(x, axis=axes)


def _declare_extreme(extreme: Operation) -> None:
    @extreme.type
    def _(x: ArrayType, *, axes: Axes) -> ArrayType:
        _require_elements(extreme.name, x, axes)
        return ArrayType(_without(x.shape, axes), x.dtype)

    @extreme.local_gradient
    def _(m: Any, g: Any, y: Any, x: Any, *, axes: Axes) -> tuple[Any, ...]:
        return (_ties(m, g, y, x, axes),)


_declare_extreme(max_)
_declare_extreme(min_)


@operation(example((3, 4), axes=(1,)), example((3, 4), axes=(0, 1), domain="integers"))
def any_(x: Any, *, axes: Axes) -> Any:
    """True where any element is true."""
    return np.any(x, axis=axes)


@operation(example((3, 4), axes=(1,)), example((3, 4), axes=(0, 1), domain="integers"))
def all_(x: Any, *, axes: Axes) -> Any:
    """True where all elements are true."""
    return np.all(x, axis=axes)


for _boolean in (any_, all_):

    @_boolean.type
    def _(x: ArrayType, *, axes: Axes) -> ArrayType:
        return ArrayType(_without(x.shape, axes), np.dtype(bool))


@operation(example((3, 4), axis=1), example((5,), axis=0), example([[2, 2], [1, 3]], axis=1))
def argmax(x: Any, *, axis: int) -> Any:
    """The index of the (first) maximum along an axis."""
    return np.argmax(x, axis=axis)


@operation(example((3, 4), axis=1), example((5,), axis=0), example([[2, 2], [1, 3]], axis=1))
def argmin(x: Any, *, axis: int) -> Any:
    """The index of the (first) minimum along an axis."""
    return np.argmin(x, axis=axis)


def _declare_position(position: Operation) -> None:
    @position.type
    def _(x: ArrayType, *, axis: int) -> ArrayType:
        _require_elements(position.name, x, (axis,))
        return ArrayType(_without(x.shape, (axis,)), np.dtype(np.intp))


_declare_position(argmax)
_declare_position(argmin)


@operation(example((3, 4), axis=1), example((5,), axis=0), example((0, 2), axis=0))
def cumsum(x: Any, *, axis: int) -> Any:
    """yₖ = Σ_{i≤k} xᵢ                       x̄ᵢ = Σ_{k≥i} ḡₖ"""
    return np.cumsum(x, axis=axis)


@cumsum.type
def _(x: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType(x.shape, np.cumsum(np.empty(0, x.dtype)).dtype)


@cumsum.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axis: int) -> tuple[Any, ...]:
    return (m.flip(m.cumsum(m.flip(g, axis=axis), axis=axis), axis=axis),)
