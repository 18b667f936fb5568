"""The formulas that follow a matrix product, tile by tile, while the sums are at hand."""

import numpy as np

from gradiente.backends.native.kernels.elementwise import Formulas
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.tile import Ahead, Spot, largest_tile
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node

INLINE = 1000  # instructions of formulas that are written out for each vector of a tile, at most
MUCH = 3  # formulas that read so much that it is asked for ahead


class Epilogue:
    """A `Result`: the sums go to the formulas, element by element.

    Where the depth is cut into blocks, sums wait in memory for the next block.
    """

    def __init__(self, writer: KernelWriter, formulas: Formulas, anchor: Node):
        self.writer, self.code, self.formulas, self.anchor = writer, writer.code, formulas, anchor
        self.dtype = anchor.type.dtype
        self.kind = np.dtype(np.float32) if self.dtype == np.float16 else self.dtype
        self.waiting: View | None = None
        self._tile: str | None = None

    @property
    def work(self) -> float:
        """Nanoseconds for one element, roughly."""
        return self.formulas.work / 8

    def keep_sums(self) -> None:
        """Reserve memory for sums between blocks of the depth."""
        self.waiting = self.writer.scratch(ArrayType(self.formulas.shape, self.kind))

    def ahead(self, spot: Spot) -> Ahead | None:
        """Ask for what the formulas of a tile will read, row by row, if they read much."""
        if len(self.formulas.nodes) <= MUCH:
            return None

        def ask(part: Value) -> None:
            for j in range(spot.tile.vectors):
                column = spot.column + j * spot.lanes
                self.formulas.prefetch(spot.indices(spot.row + part, column))

        return ask

    def begin(self, spot: Spot, k: Value) -> list[Value]:
        """What the sums of a tile start from: zero, or what they were after the last block."""
        code, kind = self.code, Kind(self.kind, spot.lanes)
        zero = code.constant(0, kind)
        if self.waiting is None:
            return [zero] * spot.size
        memory, stride = self._waiting_at(spot)
        places = [code.index(offset) for offset in spot.offsets(stride)]
        with code.when(k == 0):
            for place in places:
                code.store(zero, memory, place)
        return [code.load(memory, place, kind) for place in places]

    def finish(self, spot: Spot, sums: list[Value], last: Value | None = None) -> None:
        """The formulas of a tile, if this was its last block."""
        if last is None and len(sums) * self.formulas.length <= INLINE:
            for number, value in enumerate(sums):
                i, j = divmod(number, spot.tile.vectors)
                self._at(spot, spot.row + i, j, value)
            return
        if last is None:
            memory, stride = self._memory_of_a_tile(), spot.tile.vectors * spot.lanes
        else:
            memory, stride = self._waiting_at(spot)
        for value, offset in zip(sums, spot.offsets(stride), strict=True):
            self.code.store(value, memory, self.code.index(offset))
        if last is None:
            self._row_by_row(spot, memory, stride)
        else:
            with self.code.when(last):
                self._row_by_row(spot, memory, stride)

    def _row_by_row(self, spot: Spot, memory: str, stride: int) -> None:
        with self.code.loop(spot.tile.rows) as loop:
            for j in range(spot.tile.vectors):
                place = loop.index * stride + j * spot.lanes
                value = self.code.load(memory, place, Kind(self.kind, spot.lanes))
                self._at(spot, spot.row + loop.index, j, value)

    def _at(self, spot: Spot, row: Value, vector: int, value: Value) -> None:
        known = {self.anchor: self.code.convert(value, self.dtype)}
        indices = spot.indices(row, spot.column + vector * spot.lanes)
        self.formulas.at(indices, spot.lanes, known)

    def _waiting_at(self, spot: Spot) -> tuple[str, int]:
        """Where the sums of a tile wait, and how far apart its rows lie there."""
        assert self.waiting is not None
        place = self.writer.place(self.waiting, spot.indices(spot.row, spot.column))
        pointer = self.writer.pointer(self.waiting)
        return self.code.address(pointer, place, self.kind), self.waiting.strides[len(spot.outer)]

    def _memory_of_a_tile(self) -> str:
        if self._tile is None:
            most = largest_tile(self.writer.target.registers)
            lanes = self.writer.target.lanes(self.kind.itemsize)
            size = most.rows * most.vectors * lanes
            self._tile = self.writer.private(ArrayType((size,), self.kind))
        return self._tile
