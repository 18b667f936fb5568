"""Which convolutions are computed by tiles: those by 3 × 3 of many channels, and their gradients.

A static rule, so that the same program gives the same bits on every run: tiles win from 16 channels
and outputs on, where there are some places.
"""

from collections.abc import Callable

from gradiente.backends.native.kernels.transforms import PLACES, TAPS
from gradiente.backends.native.kernels.winograd_operations import (
    Pair,
    add_up,
    convolve,
    gather,
    transform,
)
from gradiente.backends.native.memory.layout import View, contiguous
from gradiente.graph.node import Node
from gradiente.ops.operation import Operation
from gradiente.ops.shape import pad, transpose

FEW = 16  # channels and outputs, at least
MANY = 512

ViewOf = Callable[[Node], View]


def by_tiles(node: Node, inputs: tuple[Node, ...], view: ViewOf) -> Node | None:
    """The convolution in tiles; `None` if it is better computed directly.

    view: how the value of a node looks at a buffer.
    """
    ones = (1, 1)
    params = node.params
    simple = params["strides"] == params["dilations"] == ones and params["groups"] == 1
    if not simple or params.get("method") == "direct" or node.type.dtype != "float32":
        return None
    if any(item.type.dtype != node.type.dtype for item in inputs):
        return None
    x, w = inputs
    if w.type.shape[:2] == (TAPS, TAPS):
        return _forward(node, x, w)
    if node.type.shape[1:3] == (TAPS, TAPS):
        return _by_weight(node, x, w, view)
    return None


def _forward(node: Node, x: Node, w: Node) -> Node | None:
    places = node.type.shape[1:3]
    if not _pays(w.type.shape[2:], places, node.type.shape[0]):
        return None
    x, before = _unpadded(x)
    transformed = _applied(transform, (w,), node)
    return _applied(convolve, (x, transformed), node, before=before, places=places)


def _by_weight(node: Node, x: Node, g: Node, view: ViewOf) -> Node | None:
    """The gradient by the weight: samples and channels have changed places in x and g."""
    whole_x, whole_g = _moved(x, (3, 1, 2, 0), view), _moved(g, (1, 2, 0, 3), view)
    if whole_x is None or whole_g is None:
        return None
    channels, outputs = whole_x.type.shape[-1], whole_g.type.shape[-1]
    places, samples = whole_g.type.shape[1:3], whole_g.type.shape[0]
    if not _pays((channels, outputs), places, samples):
        return None
    seen, before = _unpadded(whole_x)
    sums = _applied(add_up, (seen, whole_g), node, before=before)
    gradient = _applied(gather, (sums,), node)
    return _applied(transpose, (gradient,), node, axes=(2, 0, 1, 3))


def _pays(channels: tuple[int, ...], places: tuple[int, ...], samples: int) -> bool:
    many = all(FEW <= n <= MANY for n in channels)
    return many and min(places) >= PLACES and samples > 0


def _unpadded(x: Node) -> tuple[Node, Pair]:
    """x without the zeros around its rows and columns, and how many come ahead of them."""
    if x.operation is not pad or any(x.params["gaps"]):
        return x, (0, 0)
    before, after = x.params["before"], x.params["after"]
    if before[0] or before[3] or after[0] or after[3] or 0 in x.inputs[0].type.shape:
        return x, (0, 0)
    return x.inputs[0], (before[1], before[2])


def _moved(node: Node, axes: tuple[int, ...], view: ViewOf) -> Node | None:
    """The array that this one is a transposition of."""
    look = view(node)
    shape = look.base.type.shape
    if len(shape) != 4 or look.shape != tuple(shape[axis] for axis in axes) or look.offset:
        return None
    strides = contiguous(shape)
    ours = zip(look.shape, look.strides, (strides[axis] for axis in axes), strict=True)
    return look.base if all(n == 1 or mine == other for n, mine, other in ours) else None


def _applied(operation: Operation, inputs: tuple[Node, ...], like: Node, **params: object) -> Node:
    kind = operation.type_rule(*(item.type for item in inputs), **params)
    return Node(operation, inputs, params, kind, like.source)
