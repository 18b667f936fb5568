"""The matrix product: one tile kernel that keeps its results in registers.

A tile of C, some rows by some vectors of columns, is the sum over k of a column of A, each element
repeated over a vector, times a row of B. A may lie anyhow; the rows of B lie side by side, or B is
copied first. Every element of C is summed over k in ascending order by fused multiply-adds,
whatever the tile, so that results do not depend on how the matrix is cut.
"""

from dataclasses import dataclass

from gradiente.backends.native.emit import Kind, Loop, Value
from gradiente.backends.native.kernel import KernelWriter
from gradiente.backends.native.layout import View
from gradiente.backends.native.lowering import lowers
from gradiente.graph.node import Node
from gradiente.ops import contract

OPERATIONS_PER_NANOSECOND = 100.0  # of one core, roughly


@dataclass(frozen=True)
class Tile:
    """Rows by vectors of columns."""

    rows: int
    vectors: int


def best_tile(registers: int) -> Tile:
    """Accumulators, a row of B and one element of A must fit into the registers."""
    return Tile(8, 3) if registers >= 32 else Tile(6, 2)


@lowers(contract.matmul)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    if 0 in target.shape:
        return
    batch = target.shape[:-2]
    a, b = (view.broadcast((*batch, *view.shape[-2:])) for view in inputs)
    if not node.type.is_floating:
        _plain(writer, a, b, target)
        return
    cost = 2.0 * node.type.size * a.shape[-1] / OPERATIONS_PER_NANOSECOND
    if batch:
        with writer.shared_loops(batch, cost) as outer:
            rows = -(-target.shape[-2] // best_tile(writer.target.registers).rows)
            limits = writer.code.index(0), writer.code.index(rows)
            _Product(writer, a, b, target, outer, limits).write()
    else:
        rows = -(-target.shape[-2] // best_tile(writer.target.registers).rows)
        _Product(writer, a, b, target, [], writer.parallel(rows, cost)).write()


def _plain(writer: KernelWriter, a: View, b: View, target: View) -> None:
    """The definition: for integers and booleans, which are rare."""
    code, depth = writer.code, a.shape[-1]
    with writer.loops(target.shape) as at:
        *outer, row, column = at
        zero = code.constant(0, Kind(target.dtype))
        with code.loop(depth, carried=[zero]) as loop:
            product = writer.read(a, [*outer, row, loop.index]) * writer.read(
                b, [*outer, loop.index, column]
            )
            loop.carry(loop.carried[0] + product)
        writer.write(loop.results[0], target, at)


class _Product:
    """One matrix product (of a batch) being written."""

    def __init__(
        self,
        writer: KernelWriter,
        a: View,
        b: View,
        target: View,
        outer: list[Value],
        limits: tuple[Value, Value],
    ):
        self.writer, self.a, self.b, self.target, self.outer = writer, a, b, target, outer
        self.code = writer.code
        self.begin, self.end = limits  # in tiles of rows
        self.rows, self.columns = target.shape[-2:]
        self.depth = a.shape[-1]
        self.lanes = writer.target.lanes(target.dtype.itemsize)
        self.tile = best_tile(writer.target.registers)

    def write(self) -> None:
        """Panels of columns: as many vectors as a tile holds, then fewer, then narrower ones."""
        start, lanes = 0, self.lanes if self.b.strides[-1] == 1 else 1
        for vectors in range(self.tile.vectors, 0, -1):
            start = self._panels(start, vectors, lanes)
        while lanes > 1:
            lanes //= 2
            start = self._panels(start, 1, lanes)

    def _panels(self, start: int, vectors: int, lanes: int) -> int:
        """As many panels of this width as fit; where they end."""
        width = vectors * lanes
        stop = start + (self.columns - start) // width * width
        if stop > start:
            with self.code.loop(stop, start=start, step=width) as loop:
                self._panel(loop.index, vectors, lanes)
        return stop

    def _panel(self, column: Value, vectors: int, lanes: int) -> None:
        """All rows of a panel: full tiles, then what is left as one lower tile."""
        code, height = self.code, self.tile.rows
        full, tiles = self.rows // height, -(-self.rows // height)
        if full:
            stop = self.end if full == tiles else code.intrinsic("smin", self.end, code.index(full))
            with code.loop(stop * height, start=self.begin * height, step=height) as loop:
                self._tile(loop.index, column, Tile(height, vectors), lanes)
        if full < tiles:
            with code.when(self.end == tiles):
                rest = Tile(self.rows - full * height, vectors)
                self._tile(code.index(full * height), column, rest, lanes)

    def _tile(self, row: Value, column: Value, tile: Tile, lanes: int) -> None:
        code, outer = self.code, self.outer
        kind = Kind(self.target.dtype, lanes)
        zero = code.constant(0, kind)
        rows = [row + i if i else row for i in range(tile.rows)]
        columns = [column + j * lanes if j else column for j in range(tile.vectors)]
        with code.loop(self.depth, carried=[zero] * (tile.rows * tile.vectors)) as loop:
            k = loop.index
            right = [self.writer.read(self.b, [*outer, k, c], lanes) for c in columns]
            self._accumulate(loop, rows, k, right, lanes)
        sums = iter(loop.results)
        for r in rows:
            for c in columns:
                self.writer.write(next(sums), self.target, [*outer, r, c])

    def _accumulate(
        self, loop: Loop, rows: list[Value], k: Value, right: list[Value], lanes: int
    ) -> None:
        code = self.code
        sums = iter(loop.carried)
        following = []
        for r in rows:
            left = self.writer.read(self.a, [*self.outer, r, k])
            left = code.splat(left, lanes) if lanes > 1 else left
            following += [code.intrinsic("fma", left, b, next(sums)) for b in right]
        loop.carry(*following)
