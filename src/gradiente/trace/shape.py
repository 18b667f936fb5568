"""Functions that move, join, repeat and cut, under NumPy's names and with NumPy's arguments."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, UnsupportedFunctionError
from gradiente.base.source import current_source
from gradiente.ops import shape as table
from gradiente.trace.axes import (
    as_shape,
    common_shape,
    dtype_of,
    listed,
    many_axes,
    one_axis,
    shape_of,
)
from gradiente.trace.tensor import Tensor, bind, function, m, same_dtype


@function(np.reshape)
def reshape(x: Any, shape: Any, *more: Any, copy: Any = None) -> Any:
    """The same elements under another shape; one length may be -1, "whatever remains"."""
    wanted = as_shape((shape, *more) if more else shape)
    if min(wanted, default=0) < 0:
        known = int(np.prod([length for length in wanted if length != -1], dtype=np.int64))
        size = int(np.prod(shape_of(x), dtype=np.int64))
        if wanted.count(-1) != 1 or known <= 0 or size % known:
            raise ShapeError(
                f"shape {wanted} does not fit an array of shape {shape_of(x)}."
                + current_source().explain()
            )
        wanted = tuple(size // known if length == -1 else length for length in wanted)
    return x if wanted == shape_of(x) else bind(table.reshape, x, shape=wanted)


@function(np.ravel)
def ravel(x: Any) -> Any:
    """All elements in one axis."""
    return m.reshape(x, (-1,))


@function()
def flatten(x: Any) -> Any:
    """All elements in one axis."""
    return m.reshape(x, (-1,))


@function(np.copy)
def copy(x: Any) -> Any:
    """The value itself: traced values never change."""
    return x if isinstance(x, Tensor) else np.array(x)


@function(np.transpose)
def transpose(x: Any, axes: Any = None, *more: Any) -> Any:
    """The axes in another order; reversed by default."""
    ndim = len(shape_of(x))
    if axes is None:
        order = tuple(reversed(range(ndim)))
    else:
        order = tuple(one_axis(axis, ndim) for axis in ((axes, *more) if more else axes))
    return x if order == tuple(range(ndim)) else bind(table.transpose, x, axes=order)


@function(np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    return m.swapaxes(x, -1, -2)


@function(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    order = list(range(len(shape_of(x))))
    first, second = one_axis(axis1, len(order)), one_axis(axis2, len(order))
    order[first], order[second] = order[second], order[first]
    return m.transpose(x, order)


@function(np.moveaxis)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places, the rest keeping their order."""
    ndim = len(shape_of(x))
    moving = [one_axis(axis, ndim) for axis in listed(source)]
    places = [one_axis(axis, ndim) for axis in listed(destination)]
    if len({*moving}) != len({*places}) or len({*moving}) < len(moving):
        raise ShapeError(
            f"`moveaxis` cannot move axes {source} to {destination}: each needs a place of its own."
            + current_source().explain()
        )
    order = [axis for axis in range(ndim) if axis not in moving]
    for place, axis in sorted(zip(places, moving, strict=True)):
        order.insert(place, axis)
    return m.transpose(x, order)


@function(np.broadcast_to)
def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated along new axes and axes of length 1."""
    wanted = as_shape(shape)
    return x if wanted == shape_of(x) else bind(table.broadcast_to, x, shape=wanted)


@function(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """All arrays broadcast to their common shape."""
    shape = common_shape("broadcast_arrays", *map(shape_of, arrays))
    return tuple(m.broadcast_to(array, shape) for array in arrays)


@function()
def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """The inverse of broadcasting, for gradients: x summed down to a shape."""
    ours = shape_of(x)
    if ours == shape:
        return x
    lead = len(ours) - len(shape)
    stretched = tuple(
        i for i, n in enumerate(ours) if i < lead or (shape[i - lead] == 1 and n != 1)
    )
    return m.reshape(m.sum(x, axis=stretched), shape)


@function(np.squeeze)
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without the given axes of length 1, or without all of them."""
    shape = shape_of(x)
    if axis is None:
        axes = tuple(i for i, length in enumerate(shape) if length == 1)
    else:
        axes = many_axes(axis, len(shape))
    if any(shape[i] != 1 for i in axes):
        raise ShapeError(
            f"only axes of length 1 can be squeezed; axes {axes} of {shape} are not."
            + current_source().explain()
        )
    return m.reshape(x, tuple(length for i, length in enumerate(shape) if i not in axes))


@function(np.expand_dims)
def expand_dims(x: Any, axis: Any) -> Any:
    """New axes of length 1 at the given places of the result."""
    ndim = len(shape_of(x)) + len(tuple(listed(axis)))
    places = many_axes(axis, ndim)
    lengths = iter(shape_of(x))
    return m.reshape(x, tuple(1 if i in places else next(lengths) for i in range(ndim)))


@function(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: Any = 0) -> Any:
    """Arrays joined along an existing axis."""
    if len(arrays) == 0:
        raise ShapeError("there is nothing to concatenate." + current_source().explain())
    if axis is None:
        arrays, axis = [m.ravel(array) for array in arrays], 0
    ndim = len(shape_of(arrays[0]))
    return bind(table.concatenate, *same_dtype(*arrays), axis=one_axis(axis, ndim))


@function(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    return m.concatenate([m.expand_dims(array, axis) for array in arrays], axis=axis)


@function(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    """Rows stacked: arrays of one axis count as rows."""
    return m.concatenate([m.atleast_2d(array) for array in arrays], axis=0)


@function(np.hstack)
def hstack(arrays: Sequence[Any]) -> Any:
    """Joined along the second axis, or along the only one."""
    wide = [m.atleast_1d(array) for array in arrays]
    return m.concatenate(wide, axis=0 if len(shape_of(wide[0])) == 1 else 1)


@function(np.atleast_1d)
def atleast_1d(x: Any) -> Any:
    """x, with at least one axis."""
    return x if shape_of(x) else m.reshape(x, (1,))


@function(np.atleast_2d)
def atleast_2d(x: Any) -> Any:
    """x, with at least two axes, new ones in front."""
    shape = shape_of(x)
    return x if len(shape) > 1 else m.reshape(x, (1, *shape) if shape else (1, 1))


@function(np.split)
def split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    """Equal parts, if `sections` is a number; else parts between the given positions."""
    axis = one_axis(axis, len(shape_of(x)))
    length = shape_of(x)[axis]
    if isinstance(sections, int | np.integer):
        if sections < 1 or length % sections:
            raise ShapeError(
                f"an axis of length {length} cannot be split into {sections} equal parts."
                + current_source().explain()
            )
        sections = [length // sections * part for part in range(1, sections)]
    joints = [0, *sections, length]
    before = (slice(None),) * axis
    return [m.getitem(x, (*before, slice(a, b))) for a, b in pairwise(joints)]


@function(np.flip)
def flip(x: Any, axis: Any = None) -> Any:
    """The order along axes reversed."""
    return bind(table.flip, x, axes=many_axes(axis, len(shape_of(x))))


@function(np.roll)
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along axes by a shift, those that fall off re-entering at the other end."""
    if axis is None:
        return m.reshape(m.roll(m.ravel(x), shift, 0), shape_of(x))
    shifts, axes = np.broadcast_arrays(shift, axis)
    for amount, place in zip(shifts.flat, axes.flat, strict=True):
        along = one_axis(place, len(shape_of(x)))
        length = shape_of(x)[along]
        cut = (length - int(amount)) % length if length else 0
        if cut:
            first, second = m.split(x, [cut], axis=along)
            x = m.concatenate([second, first], axis=along)
    return x


@function(np.tile)
def tile(x: Any, reps: Any) -> Any:
    """x repeated as a block along each axis."""
    repeats = as_shape(reps)
    ndim = max(len(repeats), len(shape_of(x)))
    shape = (1,) * (ndim - len(shape_of(x))) + shape_of(x)
    repeats = (1,) * (ndim - len(repeats)) + repeats
    apart = [length for n in shape for length in (1, n)]
    wide = [length for r, n in zip(repeats, shape, strict=True) for length in (r, n)]
    whole = tuple(r * n for r, n in zip(repeats, shape, strict=True))
    return m.reshape(m.broadcast_to(m.reshape(x, apart), wide), whole)


@function(np.repeat)
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element repeated in place, along an axis or in the flattened array."""
    if axis is None:
        x, axis = m.ravel(x), 0
    along = one_axis(axis, len(shape_of(x)))
    return m.take(x, np.repeat(np.arange(shape_of(x)[along]), repeats), axis=along)


PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    widths = [(int(a), int(b)) for a, b in np.broadcast_to(pad_width, (ndim, 2))]
    if any(width < 0 for pair in widths for width in pair):
        raise ShapeError(f"`pad` cannot pad by {pad_width}." + current_source().explain())
    return widths


@function(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """Elements added at the ends of axes, in any of NumPy's modes that repeat or mirror x."""
    widths = _widths(pad_width, len(shape_of(x)))
    if mode not in PAD_MODES or shape_of(constant_values):
        asked = "several constants" if shape_of(constant_values) else f"mode={mode!r}"
        raise UnsupportedFunctionError(
            f"`np.pad` on a traced value does not take {asked}; it takes one constant, or the "
            f"modes {', '.join(PAD_MODES)}." + current_source().explain()
        )
    if mode != "constant":
        for axis, (before, after) in enumerate(widths):
            places = np.pad(np.arange(shape_of(x)[axis]), (before, after), mode=mode)  # type: ignore[call-overload]
            x = m.take(x, places, axis=axis)
        return x
    options = {
        "before": tuple(before for before, _ in widths),
        "after": tuple(after for _, after in widths),
        "gaps": (0,) * len(widths),
    }
    padded = bind(table.pad, x, **options)
    if isinstance(constant_values, int | float) and constant_values == 0:
        return padded
    inside = bind(table.pad, np.ones(shape_of(x), bool), **options)
    return m.where(inside, padded, m.cast(constant_values, dtype_of(x)))


def _like(x: Any, fill: Any, dtype: Any) -> np.ndarray:
    return np.full(shape_of(x), fill, dtype or dtype_of(x))


@function(np.zeros_like, np.empty_like)
def zeros_like(x: Any, dtype: Any = None) -> np.ndarray:
    """Zeros in the shape and data type of x: a plain array."""
    return _like(x, 0, dtype)


@function(np.ones_like)
def ones_like(x: Any, dtype: Any = None) -> np.ndarray:
    """Ones in the shape and data type of x: a plain array."""
    return _like(x, 1, dtype)


@function(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape and data type of x."""
    if isinstance(fill_value, Tensor):
        return m.broadcast_to(m.cast(fill_value, dtype or dtype_of(x)), shape_of(x))
    return _like(x, fill_value, dtype)


def _below(x: Any, k: int) -> np.ndarray:
    rows, columns = shape_of(x)[-2:]
    return np.tri(rows, columns, k, bool)


@function(np.tril)
def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle of the last two axes, zeros above the k-th diagonal."""
    return m.where(_below(x, k), x, False)


@function(np.triu)
def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle of the last two axes, zeros below the k-th diagonal."""
    return m.where(_below(x, k - 1), False, x)


@function(np.shape)
def shape(x: Any) -> tuple[int, ...]:
    """The lengths of the axes."""
    return shape_of(x)


@function(np.ndim)
def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape_of(x))


@function(np.size)
def size(x: Any) -> int:
    """The number of elements."""
    return int(np.prod(shape_of(x), dtype=np.int64))
