"""Attention tile by tile: the scores of some queries with some keys are all that exists at a time.

Forward, the largest score of a query and the sum of its exponentials are carried from one block of
keys to the next, and what was summed up so far is scaled down when a larger score appears. Backward
the weights are computed again from their logarithmic sum.

T. Dao et al., "FlashAttention: fast and memory-efficient exact attention", NeurIPS 2022.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.kernels.pieces import indices_of
from gradiente.backends.native.kernels.product import NANOSECONDS, Product
from gradiente.backends.native.kernels.tiling import Kept, panels
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View, contiguous
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node
from gradiente.ops import attention as table

QUERIES = 64  # of a tile, at most
KEYS = 128

LOWEST = {np.dtype(kind): float(np.finfo(kind).min) for kind in (np.float32, np.float64)}

OUTER = 5  # indices before those of a tile: sample, head, block of queries, group, block of keys


@dataclass(frozen=True)
class Piece:
    """Some blocks of one length along an axis: how many, and where the first begins."""

    start: int
    length: int
    count: int


def pieces(length: int, most: int) -> list[Piece]:
    """Whole blocks, and what is left."""
    count, rest = divmod(length, most)
    found = [Piece(0, most, count)] if count else []
    return found + ([Piece(count * most, rest, 1)] if rest else [])


class Tiles:
    """What both directions share: views of blocks, products of them, the weights of a tile.

    Every view has the same outer indices, with steps of 0 along those that do not matter to it.
    """

    def __init__(self, writer: KernelWriter, node: Node, arrays: Sequence[View]):
        self.writer, self.code, self.node = writer, writer.code, node
        self.q, self.k, self.v, *self.mask = arrays
        self.dtype = self.q.dtype
        self.samples, self.heads, self.time, self.width = self.q.shape
        self.groups, self.places, self.values = *self.k.shape[1:3], self.v.shape[3]
        self.queries, self.keys = pieces(self.time, QUERIES), pieces(self.places, KEYS)
        self.rows, self.columns = self.queries[0].length, self.keys[0].length
        self.lanes = writer.target.lanes(self.dtype.itemsize)
        self.scale, self.causal = node.params["scale"], node.params["causal"]
        self.outer: list[Value] = []

    @property
    def work(self) -> float:
        """Nanoseconds of the products of all queries with all keys, roughly."""
        share = 0.5 if self.causal else 1.0
        pairs = self.samples * self.heads * self.time * self.places
        return share * pairs * (2.0 * (self.width + self.values) * NANOSECONDS + 0.5)

    # -- views -------------------------------------------------------------------------------------

    def of_queries(self, view: View, piece: Piece) -> View:
        """The rows of a block of queries: of q, of the result or of its gradient."""
        sample, head, row, column = view.strides
        steps = (sample, head, piece.length * row, 0, 0)
        return self._block(view, steps, piece, (row, column))

    def of_keys(self, view: View, piece: Piece) -> View:
        """The rows of a block of keys or values."""
        sample, group, row, column = view.strides
        steps = (sample, 0, 0, group, piece.length * row)
        return self._block(view, steps, piece, (row, column))

    def _block(
        self, view: View, steps: tuple[int, ...], piece: Piece, inner: tuple[int, int]
    ) -> View:
        offset = view.offset + piece.start * inner[0]
        shape = (1,) * OUTER + (piece.length, view.shape[3])
        return View(view.base, view.dtype, shape, (*steps, *inner), offset)

    def own(self, rows: int, columns: int) -> View:
        """An array in memory of the thread."""
        return alone(self.writer.private_array(ArrayType((rows, columns), self.dtype)))

    def product(self, a: View, b: View, target: View, adds: bool = False) -> None:
        """target = a b, or target += a b."""
        kept = Kept(self.writer, target, adds=adds)
        Product(self.writer, a, b, self.outer, kept).write(shared=False)

    def read(self, view: View, row: Value, column: Value, lanes: int = 1) -> Value:
        """Elements of a block."""
        return self.writer.read(view, [*self.outer, row, column], lanes)

    def write(self, value: Value, view: View, row: Value, column: Value) -> None:
        """Store elements of a block."""
        self.writer.write(value, view, [*self.outer, row, column])

    def fill(self, view: View) -> None:
        """Zeros in a block."""
        rows, columns = view.shape[-2:]
        with self.code.loop(rows) as row:
            for lanes, column in self.along(columns):
                with column as place:
                    zero = self.code.constant(0, Kind(self.dtype, lanes))
                    self.write(zero, view, row.index, place)

    def along(self, length: int) -> Iterator[tuple[int, Any]]:
        """(lanes, loop) for vectors along a row, then for narrower ones."""
        for lanes, start, stop in panels(length, self.lanes):
            yield lanes, self._loop(start, stop, lanes)

    @contextmanager
    def _loop(self, start: int, stop: int, step: int) -> Iterator[Value]:
        with self.code.loop(stop, start=start, step=step) as loop:
            yield loop.index

    # -- scores ------------------------------------------------------------------------------------

    def number(self, value: float, lanes: int = 1) -> Value:
        """A constant."""
        return self.code.constant(value, Kind(self.dtype, lanes))

    def seen(self, piece: Piece, key_piece: Piece, row: Value, column: Value, lanes: int) -> Any:
        """Where a query may look among neighbouring keys; `None` for everywhere."""
        code, (sample, head, block, _, key_block) = self.code, self.outer
        query = block * piece.length + row + piece.start
        key = key_block * key_piece.length + column + key_piece.start
        found = None
        if self.causal:
            if lanes > 1:
                key_places = code.splat(key, lanes)
                found = key_places + code.counting(key_places.kind) <= code.splat(query, lanes)
            else:
                found = key <= query
        for mask in self.mask:
            shape = (self.samples, self.heads, self.time, self.places)
            look = mask.broadcast(shape)
            given = self.writer.read(look, [sample, head, query, key], lanes)
            found = given if found is None else found & given
        return found

    def scores(self, piece: Piece, key_piece: Piece, target: View) -> None:
        """q kᵀ of a tile."""
        keys = self.of_keys(self.k, key_piece)
        self.product(self.of_queries(self.q, piece), turned(keys), target)

    @contextmanager
    def key_blocks(self, key_piece: Piece, last_query: Value) -> Iterator[Value]:
        """A loop over blocks of keys of which a query may see some."""
        stop: Any = key_piece.count
        if self.causal:
            reach = last_query - key_piece.start + key_piece.length
            blocks = self.code.binary("sdiv", reach, self.code.index(key_piece.length))
            blocks = self.code.intrinsic("smax", blocks, self.code.index(0))
            stop = self.code.intrinsic("smin", blocks, self.code.index(key_piece.count))
        with self.code.loop(stop) as loop:
            yield loop.index


def alone(view: View) -> View:
    """A matrix as the same for all outer indices."""
    return replace(view, shape=(1,) * OUTER + view.shape, strides=(0,) * OUTER + view.strides)


def turned(view: View) -> View:
    """Rows for columns."""
    *outer, rows, columns = view.strides
    shape = (*view.shape[:-2], view.shape[-1], view.shape[-2])
    return replace(view, shape=shape, strides=(*outer, columns, rows))


def part(view: View, rows: int, columns: int) -> View:
    """The first rows and columns of a matrix."""
    return replace(view, shape=(*view.shape[:-2], rows, columns))


@lowers(table.attend)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    tiles = Tiles(writer, node, inputs)
    if 0 in node.type.shape:
        return
    Forward(tiles, target).write()


class Forward:
    """The result and the logarithmic sum of each query."""

    def __init__(self, tiles: Tiles, target: View):
        self.tiles, self.code, self.target = tiles, tiles.code, target
        self.powers = tiles.own(tiles.rows, tiles.columns)
        self.sums = tiles.own(tiles.rows, tiles.values)
        self.state = tiles.own(tiles.rows, 2)  # the largest score, the sum of exponentials

    def write(self) -> None:
        """All blocks of queries of all heads, divided among threads."""
        tiles, code = self.tiles, self.code
        lengths = [tiles.samples, tiles.heads, sum(piece.count for piece in tiles.queries)]
        units = lengths[0] * lengths[1] * lengths[2]
        begin, end = tiles.writer.parallel(units, tiles.work)
        with code.loop(end, start=begin) as unit:
            sample, head, block = indices_of(unit.index, lengths)
            group = code.binary("sdiv", head, code.index(tiles.heads // tiles.groups))
            first = 0
            for piece in tiles.queries:
                inside = (block >= first) & (block < first + piece.count)
                with code.when(inside):
                    self._block(piece, [sample, head, block - first, group])
                first += piece.count

    def _block(self, piece: Piece, outer: list[Value]) -> None:
        tiles, code = self.tiles, self.code
        tiles.outer = [*outer, code.index(0)]
        zero, lowest = tiles.number(0.0), tiles.number(LOWEST[tiles.dtype])
        tiles.fill(part(self.sums, piece.length, tiles.values))
        with code.loop(piece.length) as row:
            tiles.write(lowest, self.state, row.index, code.index(0))
            tiles.write(zero, self.state, row.index, code.index(1))
        last = outer[2] * piece.length + (piece.start + piece.length - 1)
        for key_piece in tiles.keys:
            with tiles.key_blocks(key_piece, last) as key_block:
                tiles.outer = [*outer, key_block]
                powers = part(self.powers, piece.length, key_piece.length)
                tiles.scores(piece, key_piece, powers)
                with code.loop(piece.length) as row:
                    self._row(piece, key_piece, row.index)
                sums = part(self.sums, piece.length, tiles.values)
                tiles.product(powers, tiles.of_keys(tiles.v, key_piece), sums, adds=True)
        tiles.outer = [*outer, code.index(0)]
        with code.loop(piece.length) as row:
            self._finish(tiles.of_queries(self.target, piece), row.index)

    def _row(self, piece: Piece, key_piece: Piece, row: Value) -> None:
        """Scores become exponentials; what came before is scaled by how much they have grown."""
        tiles, code, algebra = self.tiles, self.code, self.tiles.writer.algebra
        before = tiles.read(self.state, row, code.index(0))
        largest = before
        for lanes, start, stop in panels(key_piece.length, tiles.lanes):
            lowest = tiles.number(LOWEST[tiles.dtype], lanes)
            with code.loop(stop, start=start, step=lanes, carried=[lowest]) as loop:
                score = tiles.read(self.powers, row, loop.index, lanes) * tiles.scale
                seen = tiles.seen(piece, key_piece, row, loop.index, lanes)
                if seen is not None:
                    score = code.select(seen, score, lowest)
                tiles.write(score, self.powers, row, loop.index)
                loop.carry(algebra.maximum(loop.carried[0], score))
            found = loop.results[0]
            if lanes > 1:
                found = across(algebra.maximum, found)
            largest = algebra.maximum(largest, found)
        total = tiles.number(0.0)
        for lanes, start, stop in panels(key_piece.length, tiles.lanes):
            zero = tiles.number(0.0, lanes)
            with code.loop(stop, start=start, step=lanes, carried=[zero]) as loop:
                score = tiles.read(self.powers, row, loop.index, lanes)
                power = algebra.exp(score - code.as_kind(largest, score.kind))
                if tiles.causal or tiles.mask:
                    power = code.select(score == LOWEST[tiles.dtype], zero, power)
                tiles.write(power, self.powers, row, loop.index)
                loop.carry(loop.carried[0] + power)
            found = loop.results[0]
            total = total + (found if lanes == 1 else across(Value.__add__, found))
        shrink = algebra.exp(before - largest)
        known = tiles.read(self.state, row, code.index(1))
        tiles.write(largest, self.state, row, code.index(0))
        tiles.write(known * shrink + total, self.state, row, code.index(1))
        if len(tiles.keys) > 1 or tiles.keys[0].count > 1:
            for lanes, column in tiles.along(tiles.values):
                with column as place:
                    value = tiles.read(self.sums, row, place, lanes)
                    value = value * code.as_kind(shrink, value.kind)
                    tiles.write(value, self.sums, row, place)

    def _finish(self, target: View, row: Value) -> None:
        """The mean of the values, and the logarithm of the sum."""
        tiles, code, algebra = self.tiles, self.code, self.tiles.writer.algebra
        total = tiles.read(self.state, row, code.index(1))
        largest = tiles.read(self.state, row, code.index(0))
        some = total > 0.0
        safe = code.select(some, total, tiles.number(1.0))
        for lanes, column in tiles.along(tiles.values):
            with column as place:
                value = tiles.read(self.sums, row, place, lanes)
                tiles.write(value / code.as_kind(safe, value.kind), target, row, place)
        logarithm = code.select(some, largest + algebra.log(safe), tiles.number(0.0))
        tiles.write(logarithm, target, row, code.index(tiles.values))


def across(combine: Any, vector: Value) -> Value:
    """All elements of a vector combined, halves upon halves."""
    code, lanes = vector.code, vector.kind.lanes
    while lanes > 1:
        lanes //= 2
        kind = vector.kind.with_lanes(lanes)
        halves = []
        for start in (0, lanes):
            order = ", ".join(f"i32 {start + i}" for i in range(lanes))
            text = f"shufflevector {vector.kind.text} {vector.name}, {vector.kind.text} poison"
            if lanes == 1:
                halves.append(code.element(vector, code.index(start)))
            else:
                halves.append(code.assign(f"{text}, <{lanes} x i32> <{order}>", kind))
        vector = combine(*halves)
    return vector


@lowers(table.attend_gradient)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    g, y, *arrays = inputs
    if 0 in node.type.shape:
        return
    Backward(Tiles(writer, node, arrays), g, y, target).write()


class Backward:
    """The gradients of q, k and v: for each group of keys, block by block."""

    def __init__(self, tiles: Tiles, g: View, y: View, target: View):
        self.tiles, self.code = tiles, tiles.code
        self.g, self.y = g, y
        shapes = [tuple(view.shape) for view in (tiles.q, tiles.k, tiles.v)]
        self.by_q, self.by_k, self.by_v = (
            View(
                target.base,
                target.dtype,
                shape,
                (target.strides[0], *contiguous(shape)[1:]),
                target.offset + start,
            )
            for start, shape in zip(table.starts_of(shapes), shapes, strict=True)
        )
        self.weights = tiles.own(tiles.rows, tiles.columns)
        self.slopes = tiles.own(tiles.rows, tiles.columns)
        self.inner = tiles.own(tiles.rows, 1)

    def write(self) -> None:
        """All groups of all samples, divided among threads."""
        tiles, code = self.tiles, self.code
        lengths = [tiles.samples, tiles.groups]
        begin, end = tiles.writer.parallel(lengths[0] * lengths[1], 2.5 * tiles.work)
        zero = code.index(0)
        with code.loop(end, start=begin) as unit:
            sample, group = indices_of(unit.index, lengths)
            share = tiles.heads // tiles.groups
            with code.loop(share) as head:
                for piece in tiles.queries:
                    with code.loop(piece.count) as block:
                        tiles.outer = [sample, group * share + head.index, block.index, group, zero]
                        tiles.fill(tiles.of_queries(self.by_q, piece))
            for key_piece in tiles.keys:
                with code.loop(key_piece.count) as key_block:
                    tiles.outer = [sample, zero, zero, group, key_block.index]
                    tiles.fill(tiles.of_keys(self.by_k, key_piece))
                    tiles.fill(tiles.of_keys(self.by_v, key_piece))
                    with code.loop(share) as head:
                        at = [sample, group * share + head.index, group, key_block.index]
                        self._of_a_head(key_piece, at)

    def _of_a_head(self, key_piece: Piece, at: list[Value]) -> None:
        """What the queries of one head add to the gradients of some keys, and they to theirs."""
        tiles, code = self.tiles, self.code
        sample, head, group, key_block = at
        for piece in tiles.queries:
            start: Any = 0
            if tiles.causal:  # queries before the first of these keys see none of them
                first = key_block * key_piece.length + (key_piece.start - piece.start)
                start = code.binary("sdiv", first, code.index(piece.length))
                start = code.intrinsic("smax", start, code.index(0))
                start = code.intrinsic("smin", start, code.index(piece.count))
            with code.loop(piece.count, start=start) as block:
                tiles.outer = [sample, head, block.index, group, key_block]
                self._tile(piece, key_piece)

    def _tile(self, piece: Piece, key_piece: Piece) -> None:
        tiles = self.tiles
        weights = part(self.weights, piece.length, key_piece.length)
        slopes = part(self.slopes, piece.length, key_piece.length)
        values = tiles.of_keys(tiles.v, key_piece)
        given = part(tiles.of_queries(self.g, piece), piece.length, tiles.values)
        tiles.scores(piece, key_piece, weights)
        tiles.product(given, turned(values), slopes)
        with self.code.loop(piece.length) as row:
            self._row(piece, key_piece, row.index)
        queries = tiles.of_queries(tiles.q, piece)
        keys = tiles.of_keys(tiles.k, key_piece)
        tiles.product(turned(weights), given, tiles.of_keys(self.by_v, key_piece), adds=True)
        tiles.product(turned(slopes), queries, tiles.of_keys(self.by_k, key_piece), adds=True)
        tiles.product(slopes, keys, tiles.of_queries(self.by_q, piece), adds=True)

    def _row(self, piece: Piece, key_piece: Piece, row: Value) -> None:
        """Scores become weights, gradients by weights become gradients by scores."""
        tiles, code, algebra = self.tiles, self.code, self.tiles.writer.algebra
        given, result = (tiles.of_queries(each, piece) for each in (self.g, self.y))
        inner = self._inner(given, result, row)
        last = code.index(tiles.values)
        logarithm = tiles.read(result, row, last)
        inner = inner - tiles.read(given, row, last)
        for lanes, column in tiles.along(key_piece.length):
            with column as place:
                score = tiles.read(self.weights, row, place, lanes) * tiles.scale
                weight = algebra.exp(score - code.as_kind(logarithm, score.kind))
                seen = tiles.seen(piece, key_piece, row, place, lanes)
                if seen is not None:
                    weight = code.select(seen, weight, tiles.number(0.0, lanes))
                slope = tiles.read(self.slopes, row, place, lanes)
                slope = weight * (slope - code.as_kind(inner, slope.kind)) * tiles.scale
                tiles.write(weight, self.weights, row, place)
                tiles.write(slope, self.slopes, row, place)

    def _inner(self, given: View, result: View, row: Value) -> Value:
        """Σ ḡ ⊙ y of a query."""
        tiles, code = self.tiles, self.code
        total = tiles.number(0.0)
        for lanes, start, stop in panels(tiles.values, tiles.lanes):
            zero = tiles.number(0.0, lanes)
            with code.loop(stop, start=start, step=lanes, carried=[zero]) as loop:
                a = tiles.read(given, row, loop.index, lanes)
                b = tiles.read(result, row, loop.index, lanes)
                loop.carry(code.fma(a, b, loop.carried[0]))
            found = loop.results[0]
            total = total + (found if lanes == 1 else across(Value.__add__, found))
        return total
