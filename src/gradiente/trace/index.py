"""Indexing: slices, integers, integer arrays, and what is built on them."""

import operator
from typing import Any

import numpy as np

from gradiente.base.errors import (
    IndexRangeError,
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
)
from gradiente.base.source import current_source
from gradiente.ops import index as table
from gradiente.ops.shape import slice_
from gradiente.trace.axes import common_shape, one_axis, shape_of
from gradiente.trace.tensor import Tensor, bind, function, m


def _kind(item: Any) -> str:
    """new axis, ellipsis, slice, integer or array."""
    if item is None:
        return "new axis"
    if item is Ellipsis:
        return "ellipsis"
    if isinstance(item, slice):
        return "slice"
    if isinstance(item, bool | np.bool_):
        raise TypeMismatchError(_mask_advice())
    if isinstance(item, int | np.integer):
        return "integer"
    return "array"


def _mask_advice() -> str:
    return (
        "a boolean mask chooses a number of elements that depends on values. "
        "Write `gd.where(mask, x, 0.0)` instead." + current_source().explain()
    )


def _complete(index: Any, ndim: int) -> list[Any]:
    """The index as a list with one entry for each axis, besides new axes."""
    items = list(index) if isinstance(index, tuple) else [index]
    kinds = [_kind(item) for item in items]
    consumed = sum(kind in ("slice", "integer", "array") for kind in kinds)
    if consumed > ndim or kinds.count("ellipsis") > 1:
        raise IndexRangeError(
            f"the index has {consumed} entries for {ndim} axes." + current_source().explain()
            if consumed > ndim
            else "the index has more than one `...`." + current_source().explain()
        )
    fill = [slice(None)] * (ndim - consumed)
    if "ellipsis" in kinds:
        place = kinds.index("ellipsis")
        return [*items[:place], *fill, *items[place + 1 :]]
    return [*items, *fill]


def _in_range(i: int, length: int, axis: int) -> int:
    if not -length <= i < length:
        raise IndexRangeError(
            f"index {i} is out of range for axis {axis} of length {length}."
            + current_source().explain()
        )
    return i % length


def _sliced(x: Any, items: list[Any]) -> Any:
    """Apply the slices and integers of a complete index; integer axes keep length 1 for now."""
    starts, stops, steps, flipped = [], [], [], []
    axes = [item for item in items if item is not None]
    for axis, (item, length) in enumerate(zip(axes, shape_of(x), strict=True)):
        if _kind(item) == "integer":
            first = _in_range(operator.index(item), length, axis)
            limits = range(first, first + 1)
        elif _kind(item) == "slice":
            limits = range(*item.indices(length))
        else:
            limits = range(length)
        if limits.step < 0:
            limits = limits[::-1]
            flipped.append(axis)
        starts.append(min(limits.start, length))
        stops.append(max(limits.stop, starts[-1]) if len(limits) else starts[-1])
        steps.append(limits.step)
    whole = all(
        (a, b, c) == (0, n, 1) for a, b, c, n in zip(starts, stops, steps, shape_of(x), strict=True)
    )
    if not whole:
        x = bind(slice_, x, starts=tuple(starts), stops=tuple(stops), steps=tuple(steps))
    return m.flip(x, axis=tuple(flipped)) if flipped else x


@function()
def getitem(x: Any, index: Any) -> Any:
    """x[index] with slices, integers, `...`, `None` and integer arrays, as in NumPy.

    Boolean masks are refused: the shape of their result depends on values.
    """
    if not isinstance(x, Tensor) and not _traced(index):
        return np.asarray(x)[index]
    items = _complete(index, len(shape_of(x)))
    x = _sliced(x, items)
    if any(_kind(item) == "array" for item in items):
        return _advanced(x, items)
    lengths = iter(shape_of(x))
    shape = []
    for item in items:
        if item is None:
            shape.append(1)
            continue
        length = next(lengths)
        if _kind(item) != "integer":
            shape.append(length)
    return m.reshape(x, shape)


def _traced(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return any(isinstance(item, Tensor) for item in items)


def _integers(item: Any, length: int) -> Any:
    """An index array made non-negative."""
    array = item if isinstance(item, Tensor) else np.asarray(item)
    if array.dtype.kind == "b":
        raise TypeMismatchError(_mask_advice())
    if array.size == 0 and not isinstance(array, Tensor):
        array = array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise TypeMismatchError(
            f"indices must be integers, not {array.dtype}; write `i.astype(int)`."
            + current_source().explain()
        )
    return wrapped(array, length)


def wrapped(indices: Any, length: int) -> Any:
    """Negative indices counted from the end; the index type is wide enough for any length."""
    indices = m.cast(indices, np.intp)
    if isinstance(indices, Tensor):
        return m.where(indices < 0, indices + length, indices)
    indices = np.asarray(indices)
    if indices.size and (indices.min() < -length or indices.max() >= length):
        wrong = indices[(indices < -length) | (indices >= length)].flat[0]
        raise IndexRangeError(
            f"index {wrong} is out of range for an axis of length {length}."
            + current_source().explain()
        )
    return np.where(indices < 0, indices + length, indices)


def _advanced(x: Any, items: list[Any]) -> Any:
    """Index arrays, all on one flattened axis; slices and integers are already applied."""
    axes, arrays, places = [], [], []
    axis = 0
    for place, item in enumerate(items):
        if item is None:
            continue
        if _kind(item) == "array":
            arrays.append(_integers(item, shape_of(x)[axis]))
        if _kind(item) in ("array", "integer"):
            axes.append(axis)
            places.append(place)
            if _kind(item) == "integer":
                arrays.append(np.zeros((), np.intp))
        axis += 1
    lengths = [shape_of(x)[i] for i in axes]
    flat = _flat(list(m.broadcast_arrays(*arrays)), lengths)
    rest = [i for i in range(len(shape_of(x))) if i not in axes]
    front = m.transpose(x, (*axes, *rest))
    rows = int(np.prod(lengths, dtype=np.int64))
    chosen = bind(
        table.take, m.reshape(front, (rows, *(shape_of(x)[i] for i in rest))), flat, axis=0
    )
    return _placed(chosen, items, places, len(shape_of(flat)))


def _flat(arrays: list[Any], lengths: list[int]) -> Any:
    """One index into several axes at once; -1 where a traced one lies outside its axis."""
    flat = arrays[0]
    for array, length in zip(arrays[1:], lengths[1:], strict=True):
        flat = flat * length + array
    if len(arrays) > 1:
        for array, length in zip(arrays, lengths, strict=True):
            if isinstance(array, Tensor):
                flat = m.where((array >= 0) & (array < length), flat, -1)
    return flat


def _placed(chosen: Any, items: list[Any], places: list[int], count: int) -> Any:
    """Put the axes of the index arrays where NumPy does: first, if slices lie between them."""
    together = places == list(range(places[0], places[0] + len(places)))
    before = items[: places[0]] if together else []
    lead = len([item for item in before if item is not None])
    y = m.moveaxis(chosen, tuple(range(count)), tuple(range(lead, lead + count)))
    new_axes, position = [], 0
    if not together:
        position = count
    for place, item in enumerate(items):
        if place in places:
            if together and place == places[0]:
                position += count
            continue
        if item is None:
            new_axes.append(position)
        position += 1
    return m.expand_dims(y, tuple(new_axes)) if new_axes else y


@function(np.take)
def take(x: Any, indices: Any, axis: Any = None) -> Any:
    """The elements at integer indices along an axis, or of the flattened array."""
    if axis is None:
        x, axis = m.ravel(x), 0
    along = one_axis(axis, len(shape_of(x)))
    return bind(table.take, x, _integers(indices, shape_of(x)[along]), axis=along)


@function(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: Any = -1) -> Any:
    """Element by element along an axis: `indices` has the shape of the result."""
    if axis is None:
        x, axis = m.ravel(x), 0
    along = one_axis(axis, len(shape_of(x)))
    chosen = _integers(indices, shape_of(x)[along])
    if len(shape_of(chosen)) != len(shape_of(x)):
        raise ShapeError(
            f"`take_along_axis` needs indices with the axes of x: {len(shape_of(x))}, not "
            f"{len(shape_of(chosen))}." + current_source().explain()
        )
    frame = list(common_shape("take_along_axis", _frame(x, along), _frame(chosen, along)))
    x_shape, chosen_shape = list(frame), list(frame)
    x_shape[along], chosen_shape[along] = shape_of(x)[along], shape_of(chosen)[along]
    x, chosen = m.broadcast_to(x, x_shape), m.broadcast_to(chosen, chosen_shape)
    return bind(table.take_along_axis, x, chosen, axis=along)


def _frame(x: Any, axis: int) -> tuple[int, ...]:
    """The shape with one axis blanked out."""
    shape = shape_of(x)
    return (*shape[:axis], 1, *shape[axis + 1 :])


@function()
def gather(x: Any, indices: Any, axis: int = 0) -> Any:
    """The slices of x at integer indices along an axis: rows of a table by default."""
    return m.take(x, indices, axis=axis)


@function()
def scatter_add(x: Any, indices: Any, values: Any, axis: int = 0) -> Any:
    """x with values added at integer indices along an axis; repeated indices add up.

    The traced form of `np.add.at(x, indices, values)`; values broadcast to the shape chosen.
    """
    along = one_axis(axis, len(shape_of(x)))
    length = shape_of(x)[along]
    index = _integers(indices, length)
    chosen = (*shape_of(x)[:along], *shape_of(index), *shape_of(x)[along + 1 :])
    full = m.cast(m.broadcast_to(values, chosen), x.dtype)
    return x + bind(table.take_transpose, full, index, axis=along, length=length)


@function()
def one_hot(labels: Any, classes: int, dtype: Any = np.float32) -> Any:
    """1 at the label and 0 elsewhere, along a new last axis of length `classes`.

    A label outside the range gives a row of zeros.
    """
    return m.cast(m.expand_dims(labels, -1) == np.arange(classes), dtype)


@function(np.argsort)
def argsort(x: Any, axis: Any = -1, stable: bool = True) -> Any:
    """The order that sorts x along an axis; always stable."""
    if axis is None:
        x, axis = m.ravel(x), 0
    return bind(table.argsort, x, axis=one_axis(axis, len(shape_of(x))))


@function(np.sort)
def sort(x: Any, axis: Any = -1, stable: bool = True) -> Any:
    """x in ascending order along an axis; the gradient goes back to where each element was."""
    if axis is None:
        x, axis = m.ravel(x), 0
    return m.take_along_axis(x, m.argsort(x, axis=axis), axis=axis)


@function()
def top_k(x: Any, k: int, axis: Any = -1) -> tuple[Any, Any]:
    """The k largest elements along an axis, largest first, and their indices."""
    along = one_axis(axis, len(shape_of(x)))
    if not 0 <= operator.index(k) <= shape_of(x)[along]:
        raise InvalidArgumentError(
            f"k={k}: an axis of length {shape_of(x)[along]} has no {k} largest elements."
            + current_source().explain()
        )
    order = m.flip(m.argsort(m.flip(x, axis=along), axis=along), axis=along)
    before = (slice(None),) * along
    # Flipped twice, so that equal elements come in their own order.
    indices = shape_of(x)[along] - 1 - m.getitem(order, (*before, slice(0, k)))
    return m.take_along_axis(x, indices, axis=along), indices
