"""Identities of algebra and of shapes that hold to the last bit, NaN and signed zeros included."""

from collections.abc import Callable

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops import elementwise, identity, shape
from gradiente.ops.operation import Operation, broadcast_shapes
from gradiente.rewrite.rebuild import rebuild, with_inputs

Identity = Callable[[Node, tuple[Node, ...]], Node | None]


def simplify(graph: Graph) -> Graph:
    """The graph with each identity of the table applied where it fits."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        assert node.operation is not None
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
    if joined.operation is not shape.concatenate or set(node.params["steps"]) != {1}:
        return None
    axis, start = joined.params["axis"], 0
    wanted = node.params["starts"][axis]
    for piece in joined.inputs:
        if start == wanted and piece.type == node.type:
            return piece
        start += piece.type.shape[axis]
    return None


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
