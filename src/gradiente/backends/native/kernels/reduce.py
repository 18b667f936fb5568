"""Reductions: sums, extremes, logic, positions of extremes, running sums.

The order in which elements are combined depends on shapes alone: vectors of partial results along
the last axis, then a fixed tree over the lanes.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradiente.backends.native.kernels.elementwise import Formulas
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import anchors, lowers
from gradiente.backends.native.kernels.transposition import shuffled
from gradiente.backends.native.language.emit import Loop, Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import reduce as table
from gradiente.ops.operation import Operation

Combine = Callable[[Any, Value, Value], Value]
Places = dict[int, Value]  # an index for each axis

SIDE_BY_SIDE = (
    4  # vectors of columns summed in one loop: their additions do not wait for each other
)


def _lowest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def _highest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return np.inf
    return True if dtype.kind == "b" else np.iinfo(dtype).max


# What a reduction starts from, and how two values are combined; m is the algebra.
REDUCTIONS: dict[Operation, tuple[Callable[[np.dtype], Any], Combine]] = {
    table.sum_: (lambda dtype: 0, lambda m, a, b: a + b),
    table.max_: (_lowest, lambda m, a, b: m.maximum(a, b)),
    table.min_: (_highest, lambda m, a, b: m.minimum(a, b)),
    table.any_: (lambda dtype: False, lambda m, a, b: a | b),
    table.all_: (lambda dtype: True, lambda m, a, b: a & b),
}


class Reduction:
    """How the elements of one reduction are combined, whatever the loops around it."""

    def __init__(self, writer: KernelWriter, node: Node, operation: Operation | None = None):
        operation = operation or node.operation
        assert operation is not None
        self.writer, self.dtype = writer, node.type.dtype
        start, self._combine = REDUCTIONS[operation]
        self._start = start(self.dtype)
        if operation is table.sum_ and self.dtype.kind == "f" and node.inputs[0].type.size:
            self._start = -0.0  # what leaves even the sign of a zero as it is

    def start(self, lanes: int) -> Value:
        """What it starts from."""
        return self.writer.code.constant(self._start, Kind(self.dtype, lanes))

    def add(self, total: Value, element: Value) -> Value:
        """One element, or a vector of them, more; elements are converted to the result's type."""
        code = self.writer.code
        element = code.as_kind(code.convert(element, self.dtype), total.kind)
        return self._combine(self.writer.algebra, total, element)

    def tree(self, vector: Value) -> Value:
        """The lanes of a vector combined: halves with halves, down to one."""
        code, lanes = self.writer.code, vector.kind.lanes
        while lanes > 1:
            lanes //= 2
            if lanes == 1:
                low, high = (code.element(vector, code.index(i)) for i in range(2))
            else:
                low = shuffled(code, vector, vector, range(lanes))
                high = shuffled(code, vector, vector, range(lanes, 2 * lanes))
            vector = self._combine(self.writer.algebra, low, high)
        return vector


@anchors(*REDUCTIONS)
def _(
    writer: KernelWriter,
    node: Node,
    inputs: list[View],
    after: Formulas,
    before: Formulas | None = None,
) -> None:
    if 0 not in node.type.shape:
        _Reduce(writer, node, inputs[0], after, before).write()


class _Reduce:
    """One reduction being written, in one of two loop orders."""

    def __init__(
        self,
        writer: KernelWriter,
        node: Node,
        view: View,
        after: Formulas,
        before: Formulas | None,
    ):
        self.writer, self.code, self.node = writer, writer.code, node
        self.view, self.after, self.before = view, after, before
        self.reduction = Reduction(writer, node)
        self.shape = view.shape
        axes = node.params["axes"]
        self.axes = list(range(len(self.shape)))
        if before is None and view.strides and view.strides[-1] != 1 and 1 in view.strides:
            nearest = view.strides.index(1)  # elements side by side are read as vectors
            self.axes.append(self.axes.pop(nearest))
        self.kept = [axis for axis in range(len(self.shape)) if axis not in axes]
        self.reduced = [axis for axis in self.axes if axis in axes]

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, roughly."""
        work = 0.1 if self.before is None else self.before.work
        return work * math.prod(self.shape) / 4

    def write(self) -> None:
        """Vectors along the last axis, whether it is reduced or kept."""
        lanes = self.writer.target.lanes(4)
        last = self.axes[-1] if self.axes else None
        across = last is not None and last not in self.reduced
        while last is not None and lanes > 1 and lanes > self.shape[last]:
            lanes //= 2
        if across and last == self.kept[-1]:
            self._across(lanes)
        else:
            self._along(lanes if last in self.reduced else 1)

    def _element(self, places: Places, lanes: int) -> Value:
        """Elements, from memory or by the formulas before the reduction."""
        indices = [places[axis] for axis in range(len(self.shape))]
        if self.before is not None:
            source = self.node.inputs[0]
            return self.before.values(indices, lanes, {})[source]
        if lanes == 1:
            return self.writer.read(self.view, indices)
        return self.writer.read_rows(self.view, indices, self.axes[-1], lanes)

    def _nest(
        self,
        axes: Sequence[int],
        places: Places,
        totals: list[Value],
        body: Callable[[Places, list[Value]], list[Value]],
    ) -> list[Value]:
        """Loops over axes that carry values from round to round."""
        if not axes:
            return body(places, totals)
        with self.code.loop(self.shape[axes[0]], carried=totals) as loop:
            inner = {**places, axes[0]: loop.index}
            loop.carry(*self._nest(axes[1:], inner, loop.carried, body))
        return loop.results

    def _finish(self, places: Places, total: Value) -> None:
        indices = [places[axis] for axis in self.kept]
        self.after.at(indices, total.kind.lanes, {self.node: total})

    # -- vectors along the last kept axis ----------------------------------------------------------

    def _across(self, lanes: int) -> None:
        """As many results at once, in a few vectors side by side."""
        code, last = self.code, self.kept[-1]
        length, outer = self.shape[last], [self.shape[axis] for axis in self.kept[:-1]]
        width = lanes * min(SIDE_BY_SIDE, max(length // lanes, 1))
        if outer:
            with self.writer.shared_loops(tuple(outer), self.cost) as indices:
                places = dict(zip(self.kept, indices, strict=False))
                self._columns(places, code.index(0), length - length % width, width, lanes)
                self._rest(places, length - length % width, length, lanes)
            return
        units = length // width
        begin, end = self.writer.parallel(max(units, 1), self.cost)
        self._columns({}, begin * width, end * width if units else code.index(0), width, lanes)
        if length % width:
            with code.when(end == max(units, 1)):
                self._rest({}, units * width, length, lanes)

    def _columns(self, places: Places, start: Value, stop: Any, width: int, lanes: int) -> None:
        last = self.kept[-1]
        with self.code.loop(stop, start=start, step=width) as loop:
            columns = [loop.index + i for i in range(0, width, lanes)]
            zeros = [self.reduction.start(lanes) for _ in columns]

            def body(inner: Places, totals: list[Value]) -> list[Value]:
                elements = (self._element({**inner, last: c}, lanes) for c in columns)
                return [
                    self.reduction.add(total, element)
                    for total, element in zip(totals, elements, strict=True)
                ]

            totals = self._nest(self.reduced, places, zeros, body)
            for column, total in zip(columns, totals, strict=True):
                self._finish({**places, last: column}, total)

    def _rest(self, places: Places, start: int, stop: int, lanes: int) -> None:
        """What is left of the columns: single vectors, then narrower ones."""
        while start < stop:
            end = stop - (stop - start) % lanes
            self._columns(places, self.code.index(start), self.code.index(end), lanes, lanes)
            start, lanes = end, lanes // 2

    # -- vectors along the last reduced axis -------------------------------------------------------

    def _along(self, lanes: int) -> None:
        """Partial results side by side, combined at the end; then what is left."""
        outer = tuple(self.shape[axis] for axis in self.kept)
        with self.writer.shared_loops(outer, self.cost) as indices:
            places = dict(zip(self.kept, indices, strict=True))
            total: Value | None = None
            start, last = 0, self.reduced[-1] if self.reduced else None
            length = 1 if last is None else self.shape[last]
            if length == 0:
                total = self.reduction.start(1)
            while start < length:
                stop = length - (length - start) % lanes
                if stop > start:
                    part = self.reduction.tree(self._span(places, start, stop, lanes))
                    total = part if total is None else self.reduction.add(total, part)
                start, lanes = stop, max(lanes // 2, 1)
            assert total is not None
            self._finish(places, total)

    def _span(self, places: Places, start: int, stop: int, lanes: int) -> Value:
        """The elements between two places of the last axis, over all other reduced axes."""
        zero = [self.reduction.start(lanes)]
        if not self.reduced:
            return self.reduction.add(zero[0], self._element(places, 1))
        *others, last = self.reduced

        def span(inner: Places, totals: list[Value]) -> list[Value]:
            with self.code.loop(stop, start=start, step=lanes, carried=totals) as loop:
                element = self._element({**inner, last: loop.index}, lanes)
                loop.carry(self.reduction.add(loop.carried[0], element))
            return loop.results

        return self._nest(others, places, zero, span)[0]


def _divided(view: View, axes: tuple[int, ...]) -> tuple[View, tuple[int, ...], tuple[int, ...]]:
    """The view with kept axes first, and the shapes of kept and of reduced axes."""
    kept = [axis for axis in range(len(view.shape)) if axis not in axes]
    order = [*kept, *axes]
    turned = View(
        view.base,
        view.dtype,
        tuple(view.shape[axis] for axis in order),
        tuple(view.strides[axis] for axis in order),
        view.offset,
    )
    return turned, turned.shape[: len(kept)], turned.shape[len(kept) :]


def _position(
    writer: KernelWriter,
    node: Node,
    view: View,
    target: View,
    better: Callable[[Value, Value], Value],
) -> None:
    """The first index of the best element; the first NaN counts as best, as in NumPy."""
    code, axis = writer.code, node.params["axis"]
    turned, kept, reduced = _divided(view, (axis,))
    if 0 in kept:
        return
    with writer.shared_loops(kept, float(math.prod(view.shape))) as outer:
        first = writer.read(turned, [*outer, code.index(0)])
        with code.loop(reduced[0], start=1, carried=[first, code.index(0)]) as loop:
            best = loop.carried[0]
            element = writer.read(turned, [*outer, loop.index])
            wins = better(element, best)
            if view.dtype.kind == "f":
                wins = (wins | (element != element)) & (best == best)
            _carry_choice(loop, wins, element)
        writer.write(code.convert(loop.results[1], node.type.dtype), target, outer)


def _carry_choice(loop: Loop, wins: Value, element: Value) -> None:
    best, place = loop.carried
    code = wins.code
    loop.carry(code.select(wins, element, best), code.select(wins, loop.index, place))


@lowers(table.argmax)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    _position(writer, node, inputs[0], target, lambda a, b: a > b)


@lowers(table.argmin)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    _position(writer, node, inputs[0], target, lambda a, b: a < b)


@lowers(table.cumsum)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    code, axes = writer.code, (node.params["axis"],)
    if node.type.size == 0:
        return
    source, kept, reduced = _divided(inputs[0], axes)
    result = _divided(target, axes)[0]
    with writer.shared_loops(kept, float(node.type.size)) as outer:
        zero = code.constant(0, Kind(node.type.dtype))
        with code.loop(reduced[0], carried=[zero]) as loop:
            element = code.convert(writer.read(source, [*outer, loop.index]), node.type.dtype)
            total = loop.carried[0] + element
            loop.carry(total)
            writer.write(total, result, [*outer, loop.index])
