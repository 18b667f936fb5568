"""Elementwise operations: any number of them in one loop, by their formulas."""

from collections.abc import Sequence
from typing import Any

from gradiente.backends.native.emit import Value
from gradiente.backends.native.kernel import KernelWriter, collapse
from gradiente.backends.native.layout import View
from gradiente.graph.node import Node

VECTOR_ITEM = 4  # bytes of the element by which the number of lanes is chosen: float32 fills them


def write_loop(
    writer: KernelWriter, nodes: Sequence[Node], reads: dict[Node, View], stores: dict[Node, View]
) -> None:
    """All nodes, which have one shape, computed element by element in one loop nest.

    reads: the values that come from outside; stores: the nodes that are needed outside.
    """
    shape = nodes[0].type.shape
    if 0 in shape:
        return
    sources, targets = list(reads), list(stores)
    views = [reads[node].broadcast(shape) for node in sources]
    collapsed = collapse(shape, [*views, *(stores[node] for node in targets)])
    read_views = dict(zip(sources, collapsed.views, strict=False))
    store_views = dict(zip(targets, collapsed.views[len(sources) :], strict=True))

    def at(indices: list[Value], lanes: int) -> None:
        values: dict[Node, Value] = {}
        for node in nodes:
            inputs = [_input(writer, values, read_views, x, indices, lanes) for x in node.inputs]
            values[node] = formula(writer, node, inputs)
            if node in store_views:
                value = writer.code.as_kind(values[node], _widened(values[node], lanes))
                writer.write(value, store_views[node], indices)

    vectorized(writer, collapsed.shape, at)


def _widened(value: Value, lanes: int) -> Any:
    return type(value.kind)(value.dtype, lanes)


def _input(
    writer: KernelWriter,
    values: dict[Node, Value],
    views: dict[Node, View],
    node: Node,
    indices: list[Value],
    lanes: int,
) -> Value:
    if node not in values:
        values[node] = writer.read(views[node], indices, lanes)
    return values[node]


def formula(writer: KernelWriter, node: Node, inputs: Sequence[Value]) -> Value:
    """The value of an elementwise operation, by its formula in the native algebra."""
    assert node.operation is not None and node.operation.formula is not None
    result = node.operation.formula(writer.algebra, *inputs, **node.params)
    return writer.code.convert(result, node.type.dtype)


def vectorized(writer: KernelWriter, shape: tuple[int, ...], at: Any) -> None:
    """Vectors along the last axis, then what is left of it element by element."""
    code = writer.code
    if not shape:
        at([], 1)
        return
    lanes = writer.target.lanes(VECTOR_ITEM)
    while lanes > 1 and lanes > shape[-1]:
        lanes //= 2
    full = shape[-1] - shape[-1] % lanes
    with writer.loops(shape[:-1]) as outer:
        if lanes > 1:
            with code.loop(full, step=lanes) as loop:
                at([*outer, loop.index], lanes)
        if full < shape[-1] or lanes == 1:
            start = full if lanes > 1 else 0
            with code.loop(shape[-1], start=start) as loop:
                at([*outer, loop.index], 1)
