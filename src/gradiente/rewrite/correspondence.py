"""One function traced for two sizes of batches: which node of one graph is which of the other.

Only graphs of the same operations, in the same places, correspond. They differ in the lengths of
the axes that grow with the batch, and in the constants that were computed from its size.
"""

import numpy as np

from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops import identity, random, reduce, shape
from gradiente.ops.operation import Operation

TRANSPARENT = (
    identity.identity,
    identity.stop_gradient,
    identity.custom_gradient,
    identity.checkpoint,
)

# Parameters in which corresponding operations may differ: where axes have other lengths.
LENGTHS: dict[Operation | None, tuple[str, ...]] = {
    shape.reshape: ("shape",),
    shape.broadcast_to: ("shape",),
    shape.slice_: ("stops",),
    random.random_bits: ("shape",),
}


def seen_through(node: Node) -> Node:
    """The node, or what it hands on unchanged."""
    while node.operation in TRANSPARENT:
        node = node.inputs[0]
    return node


def correspondence(full: Graph, fewer: Graph) -> dict[Node, Node] | None:
    """For each node of one graph that of the other; `None` if they do not correspond.

    Nodes that only hand on their input are left out.
    """
    if (len(full.inputs), len(full.outputs)) != (len(fewer.inputs), len(fewer.outputs)):
        return None
    given = dict(zip(full.inputs, fewer.inputs, strict=True))
    met: dict[Node, Node] = {}
    pairs: dict[Node, Node] = {}
    waiting = [*given.items(), *zip(full.outputs, fewer.outputs, strict=True)]
    while waiting:
        node, other = map(seen_through, waiting.pop())
        if node in met:
            if met[node] is not other:
                return None
            continue
        met[node] = other
        other = _spelled_out(node, other)
        if not _alike(node, other) or given.get(node, other) is not other:
            return None
        if node.operation is None and node not in given and not other.is_constant:
            return None
        pairs[node] = other
        if node not in given:
            waiting.extend(zip(node.inputs, other.inputs, strict=True))
    return pairs


def _spelled_out(node: Node, other: Node) -> Node:
    """What a node corresponds to, with what a trace leaves out where it changes nothing.

    For a batch of a single row, that is broadcasting along the batch, and summing along it where
    the axis is kept.
    """
    if node.operation is other.operation or node.type.ndim != other.type.ndim:
        return other
    if node.operation is shape.broadcast_to:
        return Node(node.operation, (other,), {"shape": other.type.shape}, other.type)
    if node.operation is shape.reshape and node.inputs[0].operation is reduce.sum_:
        summed = node.inputs[0]
        axes, lengths = summed.params["axes"], other.type.shape
        if all(axis < len(lengths) and lengths[axis] == 1 for axis in axes):
            kind = reduce.sum_.type_rule(other.type, axes=axes)
            total = Node(reduce.sum_, (other,), {"axes": axes}, kind)
            return Node(node.operation, (total,), {"shape": lengths}, other.type)
    return other


def _alike(node: Node, other: Node) -> bool:
    """True for nodes of one operation, whose types differ at most in the lengths of axes."""
    free = LENGTHS.get(node.operation, ())
    return (
        node.operation is other.operation
        and len(node.inputs) == len(other.inputs)
        and (node.type.ndim, node.type.dtype) == (other.type.ndim, other.type.dtype)
        and node.params.keys() == other.params.keys()
        and all(name in free or other.params[name] == v for name, v in node.params.items())
    )


def batch_axes(node: Node, other: Node, rows: int, fewer: int) -> dict[int, int] | None:
    """The axes that grow with the batch, and how many places each row of it has there.

    `None` if the lengths of an axis differ in another way.
    """
    axes: dict[int, int] = {}
    for axis, lengths in enumerate(zip(node.type.shape, other.type.shape, strict=True)):
        if lengths[0] != lengths[1]:
            places = lengths[0] // rows
            if lengths != (places * rows, places * fewer):
                return None
            axes[axis] = places
    return axes


def begins_with(node: Node, other: Node) -> bool:
    """True if a constant has the values of the other one, and more behind them along some axes."""
    lengths = tuple(slice(length) for length in other.type.shape)
    return np.asarray(node.value)[lengths].tobytes() == np.asarray(other.value).tobytes()


def the_number(node: Node) -> np.ndarray | None:
    """The number a constant is filled with; `None` if there are several, or none."""
    value = np.asarray(node.value)
    if not value.size:
        return None
    first = value.reshape(-1)[:1]
    same = bool(np.all(value == first)) or value.size == 1
    return first.reshape(()).copy() if same else None
