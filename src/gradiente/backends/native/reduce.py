"""Reductions: sums, extremes, logic, positions of extremes, running sums.

The order in which elements are combined depends on shapes alone: vectors of partial results along
the last axis, then a fixed tree over the lanes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.backends.native.emit import Kind, Loop, Value
from gradiente.backends.native.kernel import KernelWriter
from gradiente.backends.native.layout import View
from gradiente.backends.native.lowering import lowers
from gradiente.graph.node import Node
from gradiente.ops import reduce as table

Combine = Callable[[Value, Value], Value]


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


def _reduce(
    writer: KernelWriter,
    node: Node,
    source: View,
    target: View,
    start: Callable[[View, list[Value], int], Value],
    combine: Combine,
) -> None:
    """Combine all elements of the reduced axes, for each index of the kept ones."""
    if target.shape and 0 in target.shape:
        return
    view, kept, reduced = _divided(source, node.params["axes"])
    lanes = writer.target.lanes(4)
    across = bool(kept) and view.strides[len(kept) - 1] == 1 and kept[-1] >= lanes
    along = bool(reduced) and view.strides[-1] == 1 and reduced[-1] >= lanes
    job = _Job(writer, view, target, kept, reduced, start, combine, node.type.dtype)
    if across and not along:
        job.across(lanes)
    elif along:
        job.along(lanes)
    else:
        job.one_by_one()


class _Job:
    """One reduction being written, in one of three loop orders."""

    def __init__(
        self,
        writer: KernelWriter,
        view: View,
        target: View,
        kept: tuple[int, ...],
        reduced: tuple[int, ...],
        start: Callable[[View, list[Value], int], Value],
        combine: Combine,
        dtype: np.dtype,
    ):
        self.writer, self.view, self.target = writer, view, target
        self.kept, self.reduced = kept, reduced
        self.start, self.combine, self.dtype = start, combine, dtype
        self.cost = float(math.prod(view.shape))

    def element(self, indices: list[Value], lanes: int) -> Value:
        """Elements as the type they are reduced in."""
        value = self.writer.read(self.view, indices, lanes)
        return self.writer.code.convert(value, self.dtype)

    def nest(self, shape: tuple[int, ...], outer: list[Value], carried: Value, body: Any) -> Value:
        """Loops over a shape that carry one value; body(indices, value) -> value."""
        if not shape:
            return body(outer, carried)
        with self.writer.code.loop(shape[0], carried=[carried]) as loop:
            inner = [*outer, loop.index]
            loop.carry(self.nest(shape[1:], inner, loop.carried[0], body))
        return loop.results[0]

    def initial(self, outer: list[Value], lanes: int) -> Value:
        """What the reduction starts from."""
        return self.start(self.view, outer, lanes)

    def one_by_one(self) -> None:
        """Every element by itself."""
        with self.writer.shared_loops(self.kept, self.cost) as outer:
            total = self.nest(
                self.reduced,
                outer,
                self.initial(outer, 1),
                lambda indices, value: self.combine(value, self.element(indices, 1)),
            )
            self.writer.write(total, self.target, outer)

    def across(self, lanes: int) -> None:
        """Vectors along the last kept axis: as many results at once."""

        def column(outer: list[Value], width: int) -> None:
            total = self.nest(
                self.reduced,
                outer,
                self.initial(outer, width),
                lambda indices, value: self.combine(value, self._column(indices, outer, width)),
            )
            self.writer.write(total, self.target, outer)

        code, length = self.writer.code, self.kept[-1]
        full = length - length % lanes
        if len(self.kept) > 1:
            with self.writer.shared_loops(self.kept[:-1], self.cost / lanes) as outer:
                with code.loop(full, step=lanes) as loop:
                    column([*outer, loop.index], lanes)
                with code.loop(length, start=full) as loop:
                    column([*outer, loop.index], 1)
            return
        units = full // lanes
        begin, end = self.writer.parallel(units, self.cost / lanes)
        with code.loop(end * lanes, start=begin * lanes, step=lanes) as loop:
            column([loop.index], lanes)
        with code.when(end == units), code.loop(length, start=full) as loop:
            column([loop.index], 1)

    def _column(self, indices: list[Value], outer: list[Value], width: int) -> Value:
        """Neighbours along the last kept axis, which is not the last of the view."""
        place = len(self.kept) - 1
        order = [*range(place), *range(place + 1, len(self.view.shape)), place]
        turned = View(
            self.view.base,
            self.view.dtype,
            tuple(self.view.shape[i] for i in order),
            tuple(self.view.strides[i] for i in order),
            self.view.offset,
        )
        value = self.writer.read(turned, [indices[i] for i in order], width)
        return self.writer.code.convert(value, self.dtype)

    def along(self, lanes: int) -> None:
        """Vectors along the last reduced axis: partial results side by side."""
        length = self.reduced[-1]
        full = length - length % lanes
        code = self.writer.code

        def row(indices: list[Value], carried: Value) -> Value:
            with code.loop(full, step=lanes, carried=[carried]) as loop:
                element = self.element([*indices, loop.index], lanes)
                loop.carry(self.combine(loop.carried[0], element))
            return loop.results[0]

        def rest(indices: list[Value], carried: Value) -> Value:
            with code.loop(length, start=full, carried=[carried]) as loop:
                loop.carry(self.combine(loop.carried[0], self.element([*indices, loop.index], 1)))
            return loop.results[0]

        with self.writer.shared_loops(self.kept, self.cost / lanes) as outer:
            vector = self.nest(self.reduced[:-1], outer, self.initial(outer, lanes), row)
            total = self.tree(vector)
            if full < length:
                total = self.nest(self.reduced[:-1], outer, total, rest)
            self.writer.write(total, self.target, outer)

    def tree(self, vector: Value) -> Value:
        """The lanes of a vector combined: halves with halves, down to one."""
        code, lanes = self.writer.code, vector.kind.lanes
        while lanes > 1:
            lanes //= 2
            kind = Kind(vector.dtype, lanes)
            halves = [
                code.assign(
                    f"shufflevector {vector.kind.text} {vector.name}, {vector.kind.text} poison, "
                    f"<{lanes} x i32> <{', '.join(f'i32 {i}' for i in chosen)}>",
                    kind,
                )
                for chosen in (range(lanes), range(lanes, 2 * lanes))
            ]
            vector = self.combine(halves[0], halves[1])
        return _scalar(self.writer, vector)


def _scalar(writer: KernelWriter, value: Value) -> Value:
    """A vector of one lane as a scalar."""
    if value.kind.lanes == 1 and not value.kind.text.startswith("<"):
        return value
    return writer.code.assign(
        f"extractelement {value.kind.text} {value.name}, i32 0", Kind(value.dtype)
    )


def _constant_start(writer: KernelWriter, number: Any, dtype: np.dtype) -> Any:
    return lambda view, outer, lanes: writer.code.constant(number, Kind(dtype, lanes))


@lowers(table.sum_)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    start = _constant_start(writer, 0, node.type.dtype)
    _reduce(writer, node, inputs[0], target, start, lambda a, b: a + b)


def _lowest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def _highest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return np.inf
    return True if dtype.kind == "b" else np.iinfo(dtype).max


@lowers(table.max_)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    start = _constant_start(writer, _lowest(node.type.dtype), node.type.dtype)
    _reduce(writer, node, inputs[0], target, start, writer.algebra.maximum)


@lowers(table.min_)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    start = _constant_start(writer, _highest(node.type.dtype), node.type.dtype)
    _reduce(writer, node, inputs[0], target, start, writer.algebra.minimum)


@lowers(table.any_)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    start = _constant_start(writer, False, np.dtype(bool))
    _reduce(writer, node, inputs[0], target, start, lambda a, b: a | b)


@lowers(table.all_)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    start = _constant_start(writer, True, np.dtype(bool))
    _reduce(writer, node, inputs[0], target, start, lambda a, b: a & b)


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
