"""The convolution as sums of products of tiles, as the matrix product; nothing is copied before.

A tile of y, some neighbouring places by some vectors of outputs, is the sum over taps and channels
of elements of x, each repeated over a vector, times a row of w. Where the sum is long, as in the
gradient of a weight, it is cut into blocks that stay in the cache, and the sums wait in memory.

E. Georganas et al., "Anatomy of high-performance deep learning convolutions on SIMD
architectures", SC 2018.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gradiente.backends.native.kernels.elementwise import Formulas, vectorized
from gradiente.backends.native.kernels.epilogue import Epilogue
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import anchors
from gradiente.backends.native.kernels.pieces import Run, cut, indices_of
from gradiente.backends.native.kernels.product import NANOSECONDS
from gradiente.backends.native.kernels.tile import Spot, Tile, largest_tile
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import convolution as table

LONG = 4096  # terms of a sum that are added up without a break, at most
WIDE = 4  # places side by side from which they make good tiles


@dataclass(frozen=True)
class Summed:
    """An axis that is summed over, and how far apart its elements lie in x and in w."""

    length: int
    x: int
    w: int


@dataclass(frozen=True)
class Layout:
    """What a convolution adds up: the strides of x for the indices of y, and the axes of the sum.

    inputs, outputs: channels of a group.
    """

    x: View
    w: View
    groups: int
    rows: tuple[int, ...]
    summed: tuple[Summed, ...]
    inputs: int
    outputs: int

    @classmethod
    def of(cls, node: Node, x: View, w: View) -> "Layout":
        """The layout of a convolution of these views."""
        steps, gaps, groups = (node.params[n] for n in ("strides", "dilations", "groups"))
        along = x.strides[1:-1]
        moved = [stride * step for stride, step in zip(along, steps, strict=True)]
        axes = [
            Summed(size, stride * gap, other)
            for size, stride, gap, other in zip(w.shape, along, gaps, w.strides, strict=False)
        ]
        inputs, outputs = w.shape[-2], w.shape[-1] // groups
        axes.append(Summed(inputs, x.strides[-1], w.strides[-2]))
        return cls(x, w, groups, (x.strides[0], *moved), _joined(axes), inputs, outputs)

    @property
    def terms(self) -> int:
        """How many products are added up."""
        return math.prod(axis.length for axis in self.summed)


def _joined(axes: list[Summed]) -> tuple[Summed, ...]:
    """The axes from the widest steps through x to the smallest, run together where both allow."""
    found: list[Summed] = []
    for axis in sorted(axes, key=lambda axis: -abs(axis.x)):
        if axis.length == 1:
            continue
        last = found[-1] if found else None
        if last and (last.x, last.w) == (axis.x * axis.length, axis.w * axis.length):
            found[-1] = Summed(last.length * axis.length, axis.x, axis.w)
        else:
            found.append(axis)
    return tuple(found)


@anchors(table.convolution)
def _(writer: KernelWriter, node: Node, inputs: list[View], after: Formulas) -> None:
    if 0 in node.type.shape:
        return
    layout = Layout.of(node, *inputs)
    if node.type.is_floating and layout.outputs > 1:
        Tiled(writer, node, layout, after).write()
    else:
        _each(writer, node, layout, after)


def _each(writer: KernelWriter, node: Node, layout: Layout, after: Formulas) -> None:
    """Output by output, many at once where each group has one: depthwise convolution."""
    code, x, w = writer.code, layout.x, layout.w
    result = Epilogue(writer, after, node)
    wide = layout.outputs == 1 and layout.inputs * x.strides[-1] == w.strides[-1] == 1

    def at(indices: list[Value], lanes: int) -> None:
        kind = Kind(result.kind, lanes)
        group = _divided(indices[-1], layout.outputs)
        first = _offset(indices[:-1], layout.rows, x.offset) + group * (
            layout.inputs * x.strides[-1]
        )
        start = indices[-1] * w.strides[-1] + w.offset

        def product(places: Places, sums: list[Value]) -> list[Value]:
            left = code.load(writer.pointer(x), first + places[0], Kind(x.dtype, lanes))
            right = code.load(writer.pointer(w), start + places[1], Kind(w.dtype, lanes))
            left, right = code.convert(left, kind.dtype), code.convert(right, kind.dtype)
            if kind.is_float:
                return [code.fma(left, right, sums[0])]
            return [sums[0] + left * right]

        origin = (code.index(0), code.index(0))
        (total,) = _sum_over(writer, layout.summed, origin, [code.constant(0, kind)], product)
        after.at(indices, lanes, {node: code.convert(total, node.type.dtype)})

    work = layout.terms * NANOSECONDS * 8 + result.work
    if wide:
        vectorized(writer, node.type.shape, at, work)
    else:
        with writer.shared_loops(node.type.shape, work * node.type.size) as indices:
            at(indices, 1)


def _divided(index: Value, number: int) -> Value:
    return index if number == 1 else index.code.binary("udiv", index, index.code.index(number))


def _offset(indices: list[Value], strides: tuple[int, ...], start: int) -> Value:
    total = indices[0].code.index(start)
    for index, stride in zip(indices, strides, strict=True):
        total = total + index * stride
    return total


Places = tuple[Value, Value]
Product = Callable[[Places, list[Value]], list[Value]]


def _sum_over(
    writer: KernelWriter,
    axes: Sequence[Summed],
    places: Places,
    sums: list[Value],
    product: Product,
) -> list[Value]:
    """The sums carried on over all indices of the axes, the last one innermost.

    places: where x and w are looked at.
    """
    if not axes:
        return product(places, sums)
    axis, *rest = axes
    with writer.code.loop(axis.length, carried=sums) as loop:
        there = (places[0] + loop.index * axis.x, places[1] + loop.index * axis.w)
        loop.carry(*_sum_over(writer, rest, there, loop.carried, product))
    return loop.results


class Tiled:
    """A convolution in tiles: neighbouring places along one axis by vectors of outputs."""

    def __init__(self, writer: KernelWriter, node: Node, layout: Layout, after: Formulas):
        self.writer, self.code, self.layout = writer, writer.code, layout
        self.result = Epilogue(writer, after, node)
        self.lanes = writer.target.lanes(self.result.kind.itemsize)
        self.tile = largest_tile(writer.target.registers)
        self.shape = node.type.shape[:-1]
        self.axis = self._row_axis()
        self.row_runs = cut(self.shape[self.axis], self.tile.rows)
        self.cost = 2.0 * node.type.size * layout.terms * NANOSECONDS

    def _row_axis(self) -> int:
        """The last one, if it has some places: neighbours share most of what they read."""
        last = len(self.shape) - 1
        longest = max(range(len(self.shape)), key=lambda axis: self.shape[axis])
        return last if self.shape[last] >= WIDE else longest

    def write(self) -> None:
        """The whole convolution, block by block of the sum, divided by places and groups."""
        last = self.row_runs[-1]
        pieces = last.unit + last.count
        others = [n for axis, n in enumerate(self.shape) if axis != self.axis]
        lengths = [*others, self.layout.groups, pieces]
        begin, end = self.writer.parallel(math.prod(lengths), self.cost)
        for block, k in self._blocks():
            with self.code.loop(end, start=begin) as unit:
                *at, group, piece = indices_of(unit.index, lengths)
                for run in self.row_runs:
                    inside = (piece >= run.unit) & (piece < run.unit + run.count)
                    with self.code.when(inside):
                        row = (piece - run.unit) * run.size + run.start
                        self._tiles(block, k, at, group, row, run.size)

    def _blocks(self) -> Iterator[tuple[tuple[Summed, ...], Value | None]]:
        """The axes of a block of the sum, and where it begins; `None`: it is the only one."""
        summed = self.layout.summed
        if self.layout.terms <= LONG:
            yield summed, None
            return
        first, rest = summed[0], summed[1:]
        length = max(LONG // math.prod(axis.length for axis in rest), 1)
        self.result.keep_sums()
        for run in cut(first.length, length):
            with self.code.loop(run.count) as loop:
                block = (Summed(run.size, first.x, first.w), *rest)
                yield block, loop.index * run.size + run.start

    def _panels(self) -> Iterator[tuple[int, Run]]:
        """Runs of panels of outputs: several whole vectors wide, then narrower ones."""
        lanes, vectors = self.lanes, self.layout.outputs // self.lanes
        for run in cut(vectors, self.tile.vectors):
            yield lanes, Run(run.start * lanes, run.size * lanes, run.count)
        start = vectors * lanes
        while start < self.layout.outputs:
            lanes //= 2
            if start + lanes <= self.layout.outputs:
                yield lanes, Run(start, lanes, 1)
                start += lanes

    def _tiles(
        self,
        block: Sequence[Summed],
        k: Value | None,
        at: list[Value],
        group: Value,
        row: Value,
        rows: int,
    ) -> None:
        """All outputs of some places, for a block of the sum."""
        layout, first = self.layout, self.layout.summed[0] if self.layout.summed else None
        indices = [*at[: self.axis], row, *at[self.axis :]]
        x = _offset(indices, layout.rows, layout.x.offset)
        x = x + group * (layout.inputs * layout.x.strides[-1])
        start = self.code.index(layout.w.offset)
        if k is not None and first is not None:
            x, start = x + k * first.x, start + k * first.w
        for lanes, run in self._panels():
            with self.code.loop(run.count) as panel:
                output = group * layout.outputs + panel.index * run.size + run.start
                tile = Tile(rows, run.size // lanes)
                outer, inner = at[: self.axis], tuple(at[self.axis :])
                spot = Spot(outer, row, output, tile, lanes, inner)
                sums = self.result.begin(spot, self.code.index(0) if k is None else k)
                product = self._product(spot)
                sums = _sum_over(self.writer, block, (x, start + output), sums, product)
                self.result.finish(spot, sums, None if k is None else self._is_last(k, block))

    def _is_last(self, k: Value, block: Sequence[Summed]) -> Value:
        return k + block[0].length == self.code.index(self.layout.summed[0].length)

    def _product(self, spot: Spot) -> Product:
        """What one term adds to each sum of a tile."""
        code, layout, tile = self.code, self.layout, spot.tile
        x, w, stride = layout.x, layout.w, layout.rows[self.axis]
        kind = Kind(self.result.kind, spot.lanes)

        def product(places: Places, sums: list[Value]) -> list[Value]:
            left = code.address(self.writer.pointer(x), places[0], x.dtype)
            right = code.address(self.writer.pointer(w), places[1], w.dtype)
            vectors = [
                code.convert(
                    code.load(right, code.index(j * spot.lanes), Kind(w.dtype, spot.lanes)),
                    kind.dtype,
                )
                for j in range(tile.vectors)
            ]
            added, before = [], iter(sums)
            for i in range(tile.rows):
                one = code.load(left, code.index(i * stride), Kind(x.dtype))
                one = code.as_kind(code.convert(one, kind.dtype), kind)
                added += [code.fma(one, vector, next(before)) for vector in vectors]
            return added

        return product
