"""Elementwise operations: any number of them in one loop, by their formulas."""

import math
from collections.abc import Sequence
from typing import Any

from gradiente.backends.native.emit import Value
from gradiente.backends.native.kernel import KernelWriter, collapse
from gradiente.backends.native.layout import View
from gradiente.graph.node import Node

VECTOR_ITEM = 4  # bytes of the element by which the number of lanes is chosen: float32 fills them
BLOCK = 1024  # elements of a unit of work
WORK = 0.1  # nanoseconds for one operation on one element, roughly


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
        for node, view in store_views.items():  # last: a store may overwrite what was read
            value = writer.code.as_kind(values[node], _widened(values[node], lanes))
            writer.write(value, view, indices)

    vectorized(writer, collapsed.shape, at, WORK * len(nodes))


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


def vectorized(writer: KernelWriter, shape: tuple[int, ...], at: Any, work: float = 1.0) -> None:
    """`at(indices, lanes)` for vectors along the last axis, then for what is left of it.

    work: nanoseconds for each element, roughly. Several axes are divided among threads along the
    first one, a single axis in blocks.
    """
    if not shape:
        at([], 1)
        return
    lanes = writer.target.lanes(VECTOR_ITEM)
    while lanes > 1 and lanes > shape[-1]:
        lanes //= 2
    cost = work * math.prod(shape)
    if len(shape) == 1:
        _blocks(writer, shape[0], lanes, at, cost)
        return
    full = shape[-1] - shape[-1] % lanes
    with writer.shared_loops(shape[:-1], cost) as outer:
        _row(writer, outer, 0, full, lanes, at)
        if full < shape[-1]:
            _row(writer, outer, full, shape[-1], 1, at)


def _row(
    writer: KernelWriter, outer: list[Value], start: Any, stop: Any, lanes: int, at: Any
) -> None:
    with writer.code.loop(stop, start=start, step=lanes) as loop:
        at([*outer, loop.index], lanes)


def _blocks(writer: KernelWriter, length: int, lanes: int, at: Any, cost: float) -> None:
    """One long axis: whole vectors in blocks, and the rest with the last block."""
    code = writer.code
    full = length - length % lanes
    units = max(-(-full // BLOCK), 1)
    begin, end = writer.parallel(units, cost)
    if full:
        stop = code.intrinsic("smin", end * BLOCK, code.index(full))
        _row(writer, [], begin * BLOCK, stop, lanes, at)
    if full < length:
        with code.when(end == units):
            _row(writer, [], full, length, 1, at)
