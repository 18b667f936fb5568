"""What lies between the transforms of a convolution by tiles and its products."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.pieces import indices_of
from gradiente.backends.native.kernels.tile import Ahead, Spot
from gradiente.backends.native.kernels.transforms import PLACES, SEEN, Transform, along_both
from gradiente.backends.native.kernels.winograd_operations import PRODUCTS, TILES, Pair, tiles_of
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View

FLOAT = np.dtype(np.float32)
CACHE = 768 * 1024  # bytes of transformed tiles at once, at most


def tiles_at_once(tiles: int, widths: int) -> int:
    """Tiles of a block, which fit the cache with all their channels and outputs."""
    most = max(min(CACHE // (PRODUCTS * widths * FLOAT.itemsize), TILES) // 8 * 8, 8)
    dividing = [n for n in range(8, most + 1, 8) if tiles % n == 0]
    return dividing[-1] if dividing and dividing[-1] * 2 > most else most


@dataclass
class Kept:
    """A `Result`: the sums of a product go to memory, to be added up there if `adds`.

    view: the array, whose first indices are `outer`; first: of its rows and columns.
    """

    writer: KernelWriter
    view: View
    outer: Sequence[Value] = ()
    first: Value | None = None
    adds: bool = False

    kind = FLOAT
    work = 0.0

    def keep_sums(self) -> None:
        """They are kept anyway: from the second block of the depth on they are added up."""

    def ahead(self, spot: Spot) -> Ahead | None:
        """Memory is in the cache."""
        return None

    def begin(self, spot: Spot, k: Value) -> list[Value]:
        """Zero, or what was added up so far."""
        kind = Kind(self.kind, spot.lanes)
        zero = self.writer.code.constant(0, kind)
        if k.number == 0 and not self.adds:
            return [zero] * spot.size
        memory, offsets = self._places(spot)
        known = [self.writer.code.load(memory, place, kind) for place in offsets]
        if self.adds:
            return known
        start = k == 0
        return [self.writer.code.select(start, zero, value) for value in known]

    def finish(self, spot: Spot, sums: list[Value], last: Value | None = None) -> None:
        """Store them."""
        memory, offsets = self._places(spot)
        for value, place in zip(sums, offsets, strict=True):
            self.writer.code.store(value, memory, place)

    def _places(self, spot: Spot) -> tuple[str, list[Value]]:
        row = spot.row if self.first is None else spot.row + self.first
        place = self.writer.place(self.view, [*self.outer, *spot.outer, row, spot.column])
        memory = self.writer.code.address(self.writer.pointer(self.view), place, self.kind)
        return memory, [self.writer.code.index(n) for n in spot.offsets(self.view.strides[-2])]


@dataclass(frozen=True)
class Tiling:
    """An array (samples, rows, columns, channels) seen tile by tile, zeros around it.

    size: of what is seen of it; before: by how much that begins ahead of the tile. places: of y.
    """

    writer: KernelWriter
    view: View
    places: Pair
    size: int
    before: Pair = (0, 0)

    @property
    def tiles(self) -> int:
        """How many there are."""
        return tiles_of((self.view.shape[0], *self.places, 0))

    def at(self, tile: Value) -> list[Value]:
        """The sample of a tile, and its first row and column in y."""
        counts = [-(-n // PLACES) for n in self.places]
        sample, row, column = indices_of(tile, [self.view.shape[0], *counts])
        return [sample, row * PLACES, column * PLACES]

    def transform_into(
        self, change: Transform, tile: Value, target: View, slot: Value, channels: tuple[Value, int]
    ) -> None:
        """All that a tile sees, transformed, as row `slot` of each of 36 matrices.

        channels: the first one, and how many.
        """
        code, writer = self.writer.code, self.writer
        last = self.tiles - 1
        known = code.intrinsic("smin", tile, code.index(last))
        sample, *start = self.at(known)
        limits = zip(start, self.before, self.view.shape[1:3], self.places, strict=True)
        rows, columns = (self._along(*limit) for limit in limits)
        exists = tile <= last
        for lanes, begin, end in panels(channels[1], writer.target.lanes(FLOAT.itemsize)):
            with code.loop(end, start=begin, step=lanes) as loop:
                channel = channels[0] + loop.index

                def read(row: "Line", column: "Line") -> Value:
                    place = [sample, row.index, column.index, channel]  # noqa: B023
                    value = writer.read(self.view, place, lanes)  # noqa: B023
                    for line in (row, column):
                        if line.inside is not None:
                            value = _or_zero(line.inside, value)
                    return value

                grid = [[read(row, column) for column in columns] for row in rows]
                if self.size == PLACES:  # gradients beyond the last tile count for nothing
                    grid = [[_or_zero(exists, value) for value in line] for line in grid]
                for i, numbers in enumerate(along_both(change, grid)):
                    for j, value in enumerate(numbers):
                        number = code.index(i * SEEN + j)
                        writer.write(value, target, [number, slot, loop.index])

    def _along(self, start: Value, before: int, length: int, places: int) -> list["Line"]:
        """Where the places a tile sees along an axis lie, and whether they are there at all."""
        code, found = start.code, []
        tiles = -(-places // PLACES)
        for i in range(self.size):
            index = start + (i - before)
            least, most = i - before, (tiles - 1) * PLACES + i - before
            inside = None
            if least < 0 or most >= length:
                clamped = code.intrinsic("smax", index, code.index(0))
                clamped = code.intrinsic("smin", clamped, code.index(length - 1))
                inside, index = index == clamped, clamped
            found.append(Line(index, inside))
        return found


@dataclass(frozen=True)
class Line:
    """A row or column a tile sees; inside: whether it is there, `None` if it always is."""

    index: Value
    inside: Value | None


def _or_zero(condition: Value, value: Value) -> Value:
    return value.code.select(condition, value, value.code.constant(0, value.kind))


def panels(length: int, lanes: int) -> Iterator[tuple[int, int, int]]:
    """(lanes, begin, end): whole vectors along an axis, then narrower ones."""
    start = 0
    while start < length:
        stop = length - (length - start) % lanes
        if stop > start:
            yield lanes, start, stop
        start, lanes = stop, lanes // 2
