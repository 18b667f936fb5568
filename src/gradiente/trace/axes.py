"""Shapes, data types and axes as users write them, brought into normal form."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, a number or a Tensor."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def listed(item: Any) -> Iterable[Any]:
    """One thing, or several, as several."""
    return (item,) if isinstance(item, int) or not shape_of(item) else item


def as_shape(shape: Any) -> tuple[int, ...]:
    """One length, or several, as a tuple."""
    return tuple(operator.index(length) for length in listed(shape))


def dtype_of(x: Any) -> np.dtype:
    """The data type of an array, a number, a list or a Tensor."""
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def common_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape all broadcast to; `ShapeError` in the name of the function if there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"`{name}` needs shapes that broadcast together, got "
            f"{' and '.join(map(str, shapes))}." + current_source().explain()
        ) from None


def one_axis(axis: Any, ndim: int) -> int:
    """A non-negative axis; `ShapeError` if there is no such axis."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"axis {axis} does not exist: there are {ndim} axes." + current_source().explain()
        )
    return axis % ndim


def many_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Sorted non-negative axes; `None` means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = sorted(one_axis(item, ndim) for item in listed(axis))
    if len(set(axes)) < len(axes):
        raise ShapeError(f"axis {axis} names an axis twice." + current_source().explain())
    return tuple(axes)
