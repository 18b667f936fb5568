"""How an array lies in memory: which buffer, and how far apart its elements are.

Transposing, slicing, flipping and broadcasting only change how a buffer is looked at; so does
reshaping wherever the elements lie regularly. None of them costs anything at run time.
"""

from dataclasses import dataclass, replace

import numpy as np

from gradiente.base.types import Shape
from gradiente.graph.node import Node
from gradiente.ops import identity, random, windows
from gradiente.ops import shape as table
from gradiente.rewrite.pipeline import is_skipped

CROWDED = 512  # bytes
ROOM = 64  # bytes: a cache line

IN_A_ROW = (random.random_bits,)  # their kernels write one element after the other


@dataclass(frozen=True)
class View:
    """An array as strides, counted in elements, into the buffer of the node `base`."""

    base: Node
    dtype: np.dtype
    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def is_contiguous(self) -> bool:
        """True if the elements lie one after the other in row-major order."""
        regular = zip(self.shape, self.strides, contiguous(self.shape), strict=True)
        return 0 in self.shape or all(n == 1 or ours == whole for n, ours, whole in regular)

    def broadcast(self, shape: Shape) -> "View":
        """The view repeated to a larger shape, with strides of 0."""
        lead = len(shape) - len(self.shape)
        strides = (0,) * lead + tuple(
            0 if length == 1 and wanted != 1 else stride
            for length, wanted, stride in zip(self.shape, shape[lead:], self.strides, strict=True)
        )
        return replace(self, shape=shape, strides=strides)


def contiguous(shape: Shape) -> tuple[int, ...]:
    """The strides of an array in row-major order."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


def whole(node: Node) -> View:
    """The view of a node that has a buffer of its own."""
    return View(node, node.type.dtype, node.type.shape, contiguous(node.type.shape))


def padded(node: Node) -> View:
    """The same, with some room after each row if rows would otherwise share few cache sets.

    Elements of a column that lie a multiple of 512 bytes apart compete for the same few lines of
    the first-level cache. What a reshape writes keeps no room if that would divide the rows of its
    input, whose elements it moves one after the other.
    """
    view, itemsize = whole(node), node.type.dtype.itemsize
    crowded = len(view.shape) > 1 and view.shape[-1] * itemsize % CROWDED == 0
    if not crowded or node.operation in IN_A_ROW or is_skipped("pad"):
        return view
    longer = (*view.shape[:-1], view.shape[-1] + ROOM // itemsize)
    roomy = replace(view, strides=contiguous(longer))
    moved = node.operation is table.reshape
    return view if moved and reshaped(roomy, node.inputs[0].type.shape) is None else roomy


def view_through(node: Node, inner: View) -> View | None:
    """The value of a shape operation as a view of its input; `None` if elements must move."""
    look = LOOKS.get(node.operation)  # type: ignore[arg-type]
    return look(inner, node) if look else None


def _transpose(inner: View, node: Node) -> View:
    axes = node.params["axes"]
    strides = tuple(inner.strides[axis] for axis in axes)
    return replace(inner, shape=node.type.shape, strides=strides)


def _broadcast(inner: View, node: Node) -> View:
    return inner.broadcast(node.type.shape)


def _slice(inner: View, node: Node) -> View:
    starts, steps = node.params["starts"], node.params["steps"]
    offset = inner.offset + sum(a * s for a, s in zip(starts, inner.strides, strict=True))
    strides = tuple(s * step for s, step in zip(inner.strides, steps, strict=True))
    return replace(inner, shape=node.type.shape, strides=strides, offset=offset)


def _flip(inner: View, node: Node) -> View:
    offset, strides = inner.offset, list(inner.strides)
    for axis in node.params["axes"]:
        offset += max(inner.shape[axis] - 1, 0) * strides[axis]
        strides[axis] = -strides[axis]
    return replace(inner, strides=tuple(strides), offset=offset)


def _windows(inner: View, node: Node) -> View:
    steps, gaps = node.params["strides"], node.params["dilations"]
    along = inner.strides[1:-1]
    moved = [stride * step for stride, step in zip(along, steps, strict=True)]
    inside = [stride * gap for stride, gap in zip(along, gaps, strict=True)]
    strides = (inner.strides[0], *moved, *inside, inner.strides[-1])
    return replace(inner, shape=node.type.shape, strides=strides)


def _reshape(inner: View, node: Node) -> View | None:
    return reshaped(inner, node.type.shape)


def reshaped(view: View, shape: Shape) -> View | None:
    """The view under another shape, in row-major order; `None` if elements lie too irregularly."""
    regular = contiguous(shape) if 0 in shape else _reshaped_strides(view, shape)
    return None if regular is None else replace(view, shape=shape, strides=regular)


def _reshaped_strides(view: View, shape: Shape) -> tuple[int, ...] | None:
    """Match runs of axes of equal size: each run must lie regularly to be divided anew."""
    lengths = [(n, s) for n, s in zip(view.shape, view.strides, strict=True) if n != 1]
    result: list[int] = []
    for length in shape:
        if length == 1:
            result.append(0)
            continue
        if not lengths:
            return None
        n, s = lengths.pop(0)
        while n < length or n % length:
            if not lengths:
                return None
            inner_n, inner_s = lengths.pop(0)
            if s != inner_n * inner_s:
                return None
            n, s = n * inner_n, inner_s
        rest = n // length
        result.append(s * rest)
        if rest > 1:
            lengths.insert(0, (rest, s))
    return None if lengths else tuple(result)


def _same(inner: View, node: Node) -> View:
    return inner


LOOKS = {
    identity.identity: _same,
    identity.stop_gradient: _same,
    identity.custom_gradient: _same,
    identity.checkpoint: _same,
    identity.after: _same,
    table.transpose: _transpose,
    table.broadcast_to: _broadcast,
    table.slice_: _slice,
    table.flip: _flip,
    table.reshape: _reshape,
    windows.windows: _windows,
}
