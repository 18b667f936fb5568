"""What rows beyond the last valid one do to each operation: nothing, or what has to be masked.

The rows of a batch lie along its *batch axes*. An operation is allowed if the valid part of its
value, the first places along each batch axis, depends on nothing but the valid parts of its inputs.
That is so for what goes row by row. What combines rows is allowed once the other rows of its input
are *masked*: replaced by what does not count. Everything else is not allowed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradiente.graph.node import Node
from gradiente.ops import contract, convolution, identity, index, random, reduce, shape, windows
from gradiente.ops.operation import Operation

Axes = frozenset[int]
Mask = tuple[int, int]  # of which input, along which of its axes
NONE: Axes = frozenset()


@dataclass(frozen=True)
class Case:
    """An operation, the same one for fewer rows, and the batch axes of its inputs and its value."""

    node: Node
    fewer: Node
    inputs: tuple[Axes, ...]
    value: Axes

    def allowed(self, expected: Axes, masks: tuple[Mask, ...] = ()) -> tuple[Mask, ...] | None:
        """The masks if the value has the batch axes that were expected."""
        return masks if self.value == expected else None


Rule = Callable[[Case], tuple[Mask, ...] | None]


def masks_of(case: Case) -> tuple[Mask, ...] | None:
    """What has to be masked, for products in both factors; `None` if it is not allowed."""
    operation = case.node.operation
    if not any((*case.inputs, case.value)):
        return ()
    if operation is not None and operation.family == "elementwise":
        return _elementwise(case)
    rule = RULES.get(operation)
    return rule(case) if rule else None


def _aligned(axes: Axes, ndim: int, common: int) -> Axes:
    """Axes of an array among those of the shape it is broadcast to."""
    return frozenset(axis + common - ndim for axis in axes)


def _without(axes: Axes, removed: tuple[int, ...]) -> Axes:
    """Where the others are when some axes have disappeared."""
    return frozenset(
        axis - sum(gone < axis for gone in removed) for axis in axes if axis not in removed
    )


def _elementwise(case: Case) -> tuple[Mask, ...] | None:
    ndim = case.node.type.ndim
    lengths = [item.type.ndim for item in case.node.inputs]
    found = [_aligned(axes, n, ndim) for axes, n in zip(case.inputs, lengths, strict=True)]
    return case.allowed(NONE.union(*found))


def _same(case: Case) -> tuple[Mask, ...] | None:
    return case.allowed(case.inputs[0])


def _reduction(case: Case) -> tuple[Mask, ...] | None:
    axes = case.node.params["axes"]
    masks = tuple((0, axis) for axis in sorted(case.inputs[0]) if axis in axes)
    return case.allowed(_without(case.inputs[0], axes), masks)


def _position(case: Case) -> tuple[Mask, ...] | None:
    axis = case.node.params["axis"]
    return None if axis in case.inputs[0] else case.allowed(_without(case.inputs[0], (axis,)))


def _along(case: Case) -> tuple[Mask, ...] | None:
    """Sorting, running sums and joining along an axis: not along that of the batch."""
    axis = case.node.params["axis"]
    if any(axis in axes or axes != case.inputs[0] for axes in case.inputs):
        return None
    return _same(case)


def _transpose(case: Case) -> tuple[Mask, ...] | None:
    places = enumerate(case.node.params["axes"])
    return case.allowed(frozenset(place for place, axis in places if axis in case.inputs[0]))


def _reshape(case: Case) -> tuple[Mask, ...] | None:
    """The valid elements stay the first ones of each block that as many axes lie outside of."""
    if len(case.inputs[0]) != 1 or len(case.value) != 1:
        return None
    (axis,), (place,) = case.inputs[0], case.value
    outside = math.prod(case.node.inputs[0].type.shape[:axis])
    return () if outside == math.prod(case.node.type.shape[:place]) else None


def _broadcast(case: Case) -> tuple[Mask, ...] | None:
    found = _aligned(case.inputs[0], case.node.inputs[0].type.ndim, case.node.type.ndim)
    return () if found <= case.value else None


def _slice(case: Case) -> tuple[Mask, ...] | None:
    """The batch axes as a whole, and the same part of all others."""
    node, other = case.node.params, case.fewer.params
    for axis, length in enumerate(case.node.inputs[0].type.shape):
        limits = (node["starts"][axis], node["stops"][axis], node["steps"][axis])
        if axis in case.inputs[0]:
            if limits != (0, length, 1):
                return None
        elif node["stops"][axis] != other["stops"][axis]:
            return None
    return _same(case)


def _pad(case: Case) -> tuple[Mask, ...] | None:
    added = [case.node.params[name] for name in ("before", "after", "gaps")]
    touched = any(amounts[axis] for amounts in added for axis in case.inputs[0])
    return None if touched else _same(case)


def _flip(case: Case) -> tuple[Mask, ...] | None:
    return None if case.inputs[0].intersection(case.node.params["axes"]) else _same(case)


def _matmul(case: Case) -> tuple[Mask, ...] | None:
    ndim = case.node.type.ndim
    (a, b), (a_ndim, b_ndim) = case.inputs, (item.type.ndim for item in case.node.inputs)
    depth = (a_ndim - 1 in a, b_ndim - 2 in b)
    if depth[0] != depth[1]:
        return None
    rows = _aligned(a - {a_ndim - 1}, a_ndim, ndim)
    columns = _aligned(b - {b_ndim - 2}, b_ndim, ndim)
    masks = ((0, a_ndim - 1), (1, b_ndim - 2)) if depth[0] else ()
    return case.allowed(rows | columns, masks)


def _convolution(case: Case) -> tuple[Mask, ...] | None:
    """The batch along the first axis of x, or along the channels that are summed over."""
    x, w = case.inputs
    channels, inputs = (
        item.type.ndim - k for item, k in zip(case.node.inputs, (1, 2), strict=True)
    )
    if case.node.params["groups"] == 1 and x == {channels} and w == {inputs}:
        return case.allowed(NONE, ((0, channels), (1, inputs)))
    return _windows(case) if not w else None


def _windows(case: Case) -> tuple[Mask, ...] | None:
    return case.allowed(frozenset({0})) if case.inputs[0] == {0} else None


def _take(case: Case) -> tuple[Mask, ...] | None:
    axis, (x, indices) = case.node.params["axis"], case.inputs
    if axis in x:
        return None
    more = case.node.inputs[1].type.ndim - 1
    rest = frozenset(place if place < axis else place + more for place in x)
    return case.allowed(rest | {place + axis for place in indices})


def _take_transpose(case: Case) -> tuple[Mask, ...] | None:
    """Adds up along the axes of the indices."""
    axis, (g, indices) = case.node.params["axis"], case.inputs
    summed = range(axis, axis + case.node.inputs[1].type.ndim)
    if indices != {place - axis for place in g if place in summed}:
        return None
    less = len(summed) - 1
    rest = frozenset(p if p < axis else p - less for p in g if p not in summed)
    return case.allowed(rest, tuple((0, place) for place in sorted(g) if place in summed))


def _take_along_axis(case: Case) -> tuple[Mask, ...] | None:
    x, indices = case.inputs
    return None if case.node.params["axis"] in x | indices or x != indices else _same(case)


def _put_along_axis(case: Case) -> tuple[Mask, ...] | None:
    """Adds up along its axis."""
    axis, (g, indices) = case.node.params["axis"], case.inputs
    if g != indices:
        return None
    return case.allowed(g - {axis}, ((0, axis),) if axis in g else ())


def _random_bits(case: Case) -> tuple[Mask, ...] | None:
    return case.allowed(frozenset({0}))  # the numbers of the first rows do not depend on the last


RULES: dict[Operation | None, Rule] = {
    identity.after: _same,
    **dict.fromkeys((reduce.sum_, reduce.max_, reduce.min_, reduce.any_, reduce.all_), _reduction),
    **dict.fromkeys((reduce.argmax, reduce.argmin), _position),
    **dict.fromkeys((reduce.cumsum, index.argsort, shape.concatenate), _along),
    shape.transpose: _transpose,
    shape.reshape: _reshape,
    shape.broadcast_to: _broadcast,
    shape.slice_: _slice,
    shape.pad: _pad,
    shape.flip: _flip,
    contract.matmul: _matmul,
    convolution.convolution: _convolution,
    **dict.fromkeys((windows.windows, windows.add_windows), _windows),
    index.take: _take,
    index.take_transpose: _take_transpose,
    index.take_along_axis: _take_along_axis,
    index.put_along_axis: _put_along_axis,
    random.random_bits: _random_bits,
}


def neutral(operation: Operation | None, dtype: np.dtype) -> np.ndarray:
    """What does not count when an operation combines rows; for sums and products -0.0 or 0."""
    if dtype.kind == "b":
        value: float = operation in (reduce.min_, reduce.all_)
    elif operation in (reduce.max_, reduce.min_):
        lowest = operation is reduce.max_
        if dtype.kind == "f":
            value = -np.inf if lowest else np.inf
        else:
            value = np.iinfo(dtype).min if lowest else np.iinfo(dtype).max
    elif operation in (reduce.any_, reduce.all_):
        value = operation is reduce.all_
    else:
        value = -0.0 if dtype.kind == "f" else 0
    return np.array(value, dtype)
