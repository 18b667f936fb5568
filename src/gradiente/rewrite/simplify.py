"""Identities of algebra and of shapes that hold to the last bit, NaN and signed zeros included."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops import elementwise, identity, shape
from gradiente.ops.convolution import convolution
from gradiente.ops.operation import Operation, broadcast_shapes
from gradiente.rewrite.rebuild import rebuild, with_inputs

Identity = Callable[[Node, tuple[Node, ...]], Node | None]


def simplify(graph: Graph) -> Graph:
    """The graph with each identity of the table applied where it fits."""

    uses = Counter(item for node in graph.steps for item in node.inputs)
    uses.update(graph.outputs)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        assert node.operation is not None
        if node.operation is shape.slice_ and inputs[0].operation is convolution:
            return _some_places(node, inputs[0]) if uses[node.inputs[0]] == 1 else None
        if node.operation.family == "elementwise":
            inputs = _without_broadcasts(node, inputs)
        known = IDENTITIES.get(node.operation)
        simpler = known(node, inputs) if known else None
        if simpler is not None and simpler.type == node.type:
            return simpler
        return None if inputs == node.inputs else with_inputs(node, inputs)

    return rebuild(graph, rule)


def _without_broadcasts(node: Node, inputs: tuple[Node, ...]) -> tuple[Node, ...]:
    """Elementwise operations broadcast by themselves: f(broadcast(x), y) = f(x, y)."""
    kept = list(inputs)
    for place, item in enumerate(inputs):
        if item.operation is shape.broadcast_to:
            others = [other.type.shape for i, other in enumerate(kept) if i != place]
            source = item.inputs[0]
            if others and broadcast_shapes(source.type.shape, *others) == node.type.shape:
                kept[place] = source
    return tuple(kept)


def _is_all(node: Node, number: float) -> bool:
    """True for a constant that is this number everywhere."""
    return node.is_constant and node.type.size > 0 and bool(np.all(node.value == number))


def _first(node: Node, inputs: tuple[Node, ...]) -> Node:
    return inputs[0]


def _multiply(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    a, b = inputs  # x · 1 = x
    return a if _is_all(b, 1) else b if _is_all(a, 1) else None


def _divide(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    return inputs[0] if _is_all(inputs[1], 1) else None  # x / 1 = x


def _subtract(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    zero = _is_all(inputs[1], 0) and not np.any(np.signbit(np.asarray(inputs[1].value)))
    return inputs[0] if zero else None  # x - 0 = x; x + 0 is not x for x = -0


def _involution(operation: Operation) -> Identity:
    def twice(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        inner = inputs[0]  # -(-x) = x, flip(flip(x)) = x
        same = inner.operation is operation and inner.params == node.params
        return inner.inputs[0] if same else None

    return twice


def _same_type(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    return inputs[0] if inputs[0].type == node.type else None


def _reshape(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    inner = inputs[0]
    source = inner.inputs[0] if inner.operation is shape.reshape else inner  # the last shape counts
    if source.type == node.type:
        return source
    return None if source is inner else with_inputs(node, (source,))


def _transpose(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    inner, axes = inputs[0], node.params["axes"]
    if axes == tuple(range(len(axes))):
        return inner
    if inner.operation is not shape.transpose:
        return None
    composed = tuple(inner.params["axes"][axis] for axis in axes)
    source = inner.inputs[0]
    if composed == tuple(range(len(axes))):
        return source
    moved = ArrayType(tuple(source.type.shape[axis] for axis in composed), source.type.dtype)
    return Node(shape.transpose, (source,), {"axes": composed}, moved, node.source)


def _slice(node: Node, inputs: tuple[Node, ...]) -> Node | None:
    joined = inputs[0]  # the part of a concatenation that is one of the parts it is made of
    if joined.operation is shape.pad:
        return _less_padding(node, joined)
    if joined.operation is not shape.concatenate or set(node.params["steps"]) != {1}:
        return None
    axis, start = joined.params["axis"], 0
    wanted = node.params["starts"][axis]
    for piece in joined.inputs:
        if start == wanted and piece.type == node.type:
            return piece
        start += piece.type.shape[axis]
    return None


def _less_padding(node: Node, padded: Node) -> Node | None:
    """A slice that only takes zeros away: fewer of them are put there."""
    inside, params = padded.inputs[0], padded.params
    if set(node.params["steps"]) != {1} or any(params["gaps"]):
        return None
    starts, stops = node.params["starts"], node.params["stops"]
    lengths = padded.type.shape
    before = tuple(n - start for n, start in zip(params["before"], starts, strict=True))
    cut = [n - stop for n, stop in zip(lengths, stops, strict=True)]
    after = tuple(n - less for n, less in zip(params["after"], cut, strict=True))
    if min(before + after) < 0:
        return None
    amounts = {"before": before, "after": after, "gaps": params["gaps"]}
    return Node(shape.pad, (inside,), amounts, node.type, node.source)


def _some_places(node: Node, whole: Node) -> Node | None:
    """A slice of a convolution over its places: only these are computed, of what they see."""
    starts, stops = node.params["starts"], node.params["stops"]
    x, w = whole.inputs
    steps, sizes = whole.params["strides"], w.type.shape
    ends = [(starts[axis], stops[axis], whole.type.shape[axis]) for axis in (0, -1)]
    if any(start != 0 or stop != length for start, stop, length in ends):
        return None
    if set(steps) != {1} or set(node.params["steps"]) != {1} or 0 in node.type.shape:
        return None
    spans = [(k - 1) * d for k, d in zip(sizes, whole.params["dilations"], strict=False)]
    seen = [stop + span for stop, span in zip(stops[1:-1], spans, strict=True)]
    params = {
        "starts": (0, *starts[1:-1], 0),
        "stops": (x.type.shape[0], *seen, x.type.shape[-1]),
        "steps": (1,) * len(starts),
    }
    lengths = tuple(b - a for a, b in zip(params["starts"], params["stops"], strict=True))
    part = Node(shape.slice_, (x,), params, ArrayType(lengths, x.type.dtype), node.source)
    part = _slice(part, (x,)) or part
    return Node(convolution, (part, w), whole.params, node.type, whole.source)


IDENTITIES: dict[Operation, Identity] = {
    identity.identity: _first,
    identity.stop_gradient: _first,
    identity.custom_gradient: _first,
    identity.checkpoint: _first,
    elementwise.positive: _first,
    elementwise.multiply: _multiply,
    elementwise.divide: _divide,
    elementwise.subtract: _subtract,
    elementwise.negative: _involution(elementwise.negative),
    elementwise.cast: _same_type,
    shape.flip: _involution(shape.flip),
    shape.broadcast_to: _same_type,
    shape.slice_: _slice,
    shape.reshape: _reshape,
    shape.transpose: _transpose,
}
