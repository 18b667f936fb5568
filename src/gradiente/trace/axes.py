"""Axes as users write them (negative, one or many, or none) brought into normal form."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, a number or a Tensor."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


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
    listed = axis if isinstance(axis, Iterable) else (axis,)
    axes = sorted(one_axis(item, ndim) for item in listed)
    if len(set(axes)) < len(axes):
        raise ShapeError(f"axis {axis} names an axis twice." + current_source().explain())
    return tuple(axes)
