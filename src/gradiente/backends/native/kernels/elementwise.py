"""Elementwise operations: any number of them in one loop, by their formulas."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradiente.backends.native.kernels.kernel import KernelWriter, collapse
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.base.types import Shape
from gradiente.graph.node import Node

VECTOR_ITEM = 4  # bytes of the element by which the number of lanes is chosen: float32 fills them
BLOCK = 1024  # elements of a unit of work
WORK = 0.1  # nanoseconds for one operation on one element, roughly

At = Callable[[list[Value], int], None]


@dataclass(frozen=True)
class Formulas:
    """Elementwise operations of one shape that are computed together, element by element.

    nodes: in order; shape: theirs. reads: the values that come from memory; stores: those of the
    nodes, or of what is handed to `at`, that are needed in memory. All views have the shape.
    """

    writer: KernelWriter
    nodes: Sequence[Node]
    shape: Shape
    reads: dict[Node, View]
    stores: dict[Node, View]

    @property
    def work(self) -> float:
        """Nanoseconds for one element, roughly."""
        return WORK * (len(self.nodes) + len(self.reads) + 1)

    @cached_property
    def length(self) -> int:
        """How many instructions they take for one vector: found out by writing them."""
        draft = KernelWriter(self.writer.target, [])
        inputs = {node: draft.code.constant(1, Kind(node.type.dtype)) for node in self.reads}
        for node in self.nodes:
            for item in node.inputs:
                inputs.setdefault(item, draft.code.constant(1, Kind(item.type.dtype)))
            inputs[node] = formula(draft, node, [inputs[item] for item in node.inputs])
        return len(draft.code.lines) + len(self.reads) + len(self.stores)

    def at(self, indices: list[Value], lanes: int, known: dict[Node, Value] | None = None) -> None:
        """Compute and store the elements at indices; `known` values are at hand already."""
        values = self.values(indices, lanes, dict(known or {}))
        for node, view in self.stores.items():  # last: a store may overwrite what was read
            value = self.writer.code.as_kind(values[node], Kind(values[node].dtype, lanes))
            self.writer.write(value, view, indices)

    def values(
        self, indices: list[Value], lanes: int, values: dict[Node, Value]
    ) -> dict[Node, Value]:
        """The values of all nodes at indices."""
        for node in self.nodes:
            inputs = [self._input(values, item, indices, lanes) for item in node.inputs]
            values[node] = formula(self.writer, node, inputs)
        return values

    def prefetch(self, indices: list[Value]) -> None:
        """Ask for what will be read at indices."""
        for view in self.reads.values():
            if view.strides and view.strides[-1] == 1 and view.strides[-2:-1] != (0,):
                place = self.writer.place(view, indices)
                self.writer.code.prefetch(self.writer.pointer(view), place, view.dtype)

    def _input(
        self, values: dict[Node, Value], node: Node, indices: list[Value], lanes: int
    ) -> Value:
        if node not in values:
            values[node] = self.writer.read(self.reads[node], indices, lanes)
        return values[node]


def formula(writer: KernelWriter, node: Node, inputs: Sequence[Value]) -> Value:
    """The value of an elementwise operation, by its formula in the native algebra."""
    assert node.operation is not None and node.operation.formula is not None
    result = node.operation.formula(writer.algebra, *inputs, **node.params)
    return writer.code.convert(result, node.type.dtype)


def collapsed(formulas: Formulas) -> Formulas:
    """The same formulas with neighbouring axes run together wherever all views allow it."""
    sources, targets = list(formulas.reads), list(formulas.stores)
    views = [*formulas.reads.values(), *formulas.stores.values()]
    first = int(formulas.writer.keeps_rows(formulas.shape))
    fewer = collapse(formulas.shape, views, first)
    return Formulas(
        formulas.writer,
        formulas.nodes,
        fewer.shape,
        dict(zip(sources, fewer.views, strict=False)),
        dict(zip(targets, fewer.views[len(sources) :], strict=True)),
    )


def flattened(formulas: Formulas) -> Formulas | None:
    """The same formulas over one axis, if all elements lie side by side."""
    flat = collapsed(formulas)
    return flat if len(flat.shape) == 1 and flat.stores else None


def write_loop(formulas: Formulas) -> None:
    """All of the formulas in a loop nest of their own."""
    if 0 not in formulas.shape:
        inside = collapsed(formulas)
        vectorized(formulas.writer, inside.shape, inside.at, inside.work)


def vectorized(writer: KernelWriter, shape: Shape, at: At, work: float = 1.0) -> None:
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
    cost = work * math.prod(shape) / lanes * 2
    if len(shape) == 1:
        _blocks(writer, shape[0], lanes, at, cost)
        return
    with writer.shared_loops(shape[:-1], cost) as outer:
        row(writer, outer, shape[-1], lanes, at)


def row(writer: KernelWriter, outer: list[Value], length: int, lanes: int, at: At) -> None:
    """`at` along a row: in vectors, and what is left in ever narrower ones."""
    start = 0
    while start < length:
        stop = length - (length - start) % lanes
        if stop > start:
            with writer.code.loop(stop, start=start, step=lanes) as loop:
                at([*outer, loop.index], lanes)
        start, lanes = stop, lanes // 2


def _blocks(writer: KernelWriter, length: int, lanes: int, at: At, cost: float) -> None:
    """One long axis: whole vectors in blocks, and the rest with the last block."""
    code = writer.code
    full = length - length % lanes
    units = max(-(-full // BLOCK), 1)
    begin, end = writer.parallel(units, cost)
    if full:
        stop = code.intrinsic("smin", end * BLOCK, code.index(full))
        with code.loop(stop, start=begin * BLOCK, step=lanes) as loop:
            at([loop.index], lanes)
    if full < length:
        with code.when(end == units), code.loop(length, start=full) as loop:
            at([loop.index], 1)
