"""The matrix product: tiles that keep their results in registers, cut to fit the caches.

A tile of C, some rows by some vectors of columns, is the sum over k of a column of A, each element
repeated over a vector, times a row of B. A may lie anyhow. A small B is read where it lies; of a
large one, blocks are packed first, so that the rows of a panel of columns lie side by side: each
block then serves all rows of A from the cache.

Every element of C is summed over k in ascending order by fused multiply-adds, however the matrix is
cut, so that results do not depend on the number of threads.

K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gradiente.backends.native.kernels.kernel import ROWS, KernelWriter
from gradiente.backends.native.kernels.pieces import Run, cut, grouped
from gradiente.backends.native.kernels.tile import Ahead, Result, Spot, Tile, largest_tile
from gradiente.backends.native.kernels.transposition import transposed
from gradiente.backends.native.language.emit import Loop, Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.base.types import ArrayType

NANOSECONDS = 1 / 200.0  # for an operation of one core, roughly

READ_WHERE_IT_LIES = 1_000_000  # bytes of a B that stays in the second-level cache
ROWS_WORTH_PACKING = 32
PACKED_DEPTH = 384
UNITS = 40  # into how many groups of panels a large product is divided, at least
GROUP = 4  # panels packed at once, at most: they stay in the second-level cache

LINE = 64  # bytes of a cache line


def is_packed(a: ArrayType, b: ArrayType) -> bool:
    """True for a second factor too large to be read where it lies, and used often enough."""
    size = b.shape[-1] * b.shape[-2] * b.dtype.itemsize
    return size > READ_WHERE_IT_LIES and a.shape[-2] >= ROWS_WORTH_PACKING


class Product:
    """One matrix product (of a batch) being written; its results go to the formulas."""

    def __init__(self, writer: KernelWriter, a: View, b: View, outer: list[Value], result: Result):
        self.writer, self.code, self.a, self.b, self.outer = writer, writer.code, a, b, outer
        self.result = result
        self.rows, self.depth, self.columns = a.shape[-2], a.shape[-1], b.shape[-1]
        self.lanes = writer.target.lanes(result.kind.itemsize)
        self.tile = largest_tile(writer.target.registers)
        self.row_runs = cut(self.rows, self.tile.rows)

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, roughly."""
        operations = 2.0 * self.rows * self.columns * self.depth
        return operations * NANOSECONDS + self.result.work * self.rows * self.columns

    @property
    def packs(self) -> bool:
        """True if blocks of B are brought into order first."""
        transposed = self.b.strides[-1] != 1 and self.columns > 1
        a, b = (ArrayType(view.shape[-2:], view.dtype) for view in (self.a, self.b))
        return transposed or is_packed(a, b)

    def write(self, shared: bool) -> None:
        """The whole product; shared: divided among threads, by rows or by panels of columns."""
        panels = [*self._panels()]
        if self.packs:
            self._packed(panels, shared)
        else:
            units = self.row_runs[-1].unit + self.row_runs[-1].count
            limits = self.writer.parallel(units, self.cost) if shared else self._all(units)
            if shared and units * ROWS == self.rows:
                self.writer.divided_by_rows(self.rows)
            for lanes, run in panels:
                with self._pieces(run, None) as column:
                    place = self._place(self.b, [self.code.index(0), column])
                    self._rows(column, run.size // lanes, lanes, place, limits)

    def _all(self, units: int) -> tuple[Value, Value]:
        return self.code.index(0), self.code.index(units)

    def _panels(self) -> Iterator[tuple[int, Run]]:
        """Runs of panels: several whole vectors wide, then narrower ones: (lanes, run)."""
        lanes, vectors = self.lanes, self.columns // self.lanes
        for run in cut(vectors, self.tile.vectors):
            yield lanes, Run(run.start * lanes, run.size * lanes, run.count, 0)
        start = vectors * lanes
        while start < self.columns:
            lanes //= 2
            if start + lanes <= self.columns:
                yield lanes, Run(start, lanes, 1, 0)
                start += lanes

    @contextmanager
    def _pieces(self, run: Run, limits: tuple[Value, Value] | None) -> Iterator[Value]:
        """A loop over the starts of the pieces of a run, or of those within limits."""
        code, first, last = self.code, self.code.index(0), self.code.index(run.count)
        if limits is not None:
            begin, end = (limit - run.unit for limit in limits)
            first = begin if run.unit == 0 else code.intrinsic("smax", begin, first)
            last = code.intrinsic("smin", end, last)
        with code.loop(last, start=first) as loop:
            yield loop.index * run.size + run.start

    # -- B as it lies ------------------------------------------------------------------------------

    def _place(self, view: View, indices: list[Value]) -> str:
        """A pointer to an element of A or B."""
        offset = self.writer.place(view, [*self.outer, *indices])
        return self.code.address(self.writer.pointer(view), offset, view.dtype)

    def _rows(
        self, column: Value, vectors: int, lanes: int, b: str, limits: tuple[Value, Value]
    ) -> None:
        """All tiles of a panel of columns."""
        for run in self.row_runs:
            with self._pieces(run, limits) as row:
                a = self._place(self.a, [row, self.code.index(0)])
                tile = Tile(run.size, vectors)
                spot = Spot(self.outer, row, column, tile, lanes)
                ahead = self.result.ahead(replace(spot, row=row + tile.rows))
                sums = self.result.begin(spot, self.code.index(0))
                sums = self._sums((a, b, self.b.strides[-2]), self.depth, sums, tile, ahead)
                self.result.finish(spot, sums)

    def _kind(self, lanes: int) -> Kind:
        return Kind(self.result.kind, lanes)

    def _sums(
        self,
        places: tuple[str, str, int],
        depth: int,
        sums: list[Value],
        tile: Tile,
        ahead: Ahead | None = None,
    ) -> list[Value]:
        """The sums of a tile, carried on over `depth` columns of A and rows of B.

        places: where the columns of A and the rows of B begin, and how far apart the latter lie.
        ahead: asks for memory that is needed next, in as many parts as a tile has rows, so that
        the arithmetic between them hides the time it takes.
        """
        a, b, stride = places
        code, lanes = self.code, sums[0].kind.lanes
        if depth == 0:
            return sums
        length = depth if ahead is None else -(-depth // tile.rows)
        with code.loop(-(-depth // length), carried=sums) as part:
            if ahead is not None:
                ahead(part.index)
            start = part.index * length
            stop = code.smallest(start + length, depth)
            with code.loop(stop, start=start, carried=part.carried) as loop:
                right = self._row(b, loop.index * stride, tile.vectors, lanes)
                column = code.address(a, loop.index * self.a.strides[-1], self.a.dtype)
                self._accumulate(loop, column, right, tile, lanes)
            part.carry(*loop.results)
        return part.results

    def _row(self, b: str, offset: Value, vectors: int, lanes: int) -> list[Value]:
        code, dtype = self.code, self.b.dtype
        start = code.address(b, offset, dtype)
        places = (code.index(i * lanes) for i in range(vectors))
        vectors_ = [code.load(start, place, Kind(dtype, lanes)) for place in places]
        return [code.convert(vector, self.result.kind) for vector in vectors_]

    def _accumulate(
        self, loop: Loop, column: str, right: list[Value], tile: Tile, lanes: int
    ) -> None:
        code = self.code
        sums = iter(loop.carried)
        following = []
        for i in range(tile.rows):
            left = code.load(column, code.index(i * self.a.strides[-2]), Kind(self.a.dtype))
            left = code.as_kind(code.convert(left, self.result.kind), self._kind(lanes))
            following += [code.fma(left, b, next(sums)) for b in right]
        loop.carry(*following)

    # -- B in packed blocks ------------------------------------------------------------------------

    def _packed(self, panels: list[tuple[int, Run]], shared: bool) -> None:
        group = min(max(sum(run.count for _, run in panels) // UNITS, 1), GROUP)
        groups, units = [], 0
        for lanes, run in panels:
            for part, pieces in grouped(run, group, units):
                groups.append((lanes, part, pieces))
                units = part.unit + part.count
        limits = self.writer.parallel(units, self.cost) if shared else self._all(units)
        depth = min(self.depth, PACKED_DEPTH)
        width = max(part.size for _, part, _ in groups)
        memory = self.writer.private(ArrayType((depth * width,), self.b.dtype))
        if self.depth > depth:
            self.result.keep_sums()
        for lanes, part, pieces in groups:
            with self._pieces(part, limits) as column:
                self._group(column, part.size // pieces, pieces, lanes, memory)

    def _group(self, column: Value, width: int, pieces: int, lanes: int, memory: str) -> None:
        """All rows of some panels: block by block of the depth."""
        code = self.code
        blocks = cut(self.depth, PACKED_DEPTH)
        for block in blocks:
            with code.loop(block.count) as loop:
                k = loop.index * block.size + block.start
                with code.loop(pieces) as piece:
                    start = column + piece.index * width
                    packed = code.address(memory, piece.index * (block.size * width), self.b.dtype)
                    _pack(self, k, start, block.size, width, lanes, packed)
                self._block(Block(column, width, pieces, lanes, block.size), k, memory)

    def _block(self, block: "Block", k: Value, memory: str) -> None:
        """What a packed block of B adds to all rows."""
        code, depth, width = self.code, block.depth, block.width
        tiles = sum(run.count for run in self.row_runs)
        for run in self.row_runs:
            with self._pieces(run, None) as row, code.loop(block.pieces) as piece:
                a = self._place(self.a, [row, k])
                b = code.address(memory, piece.index * (depth * width), self.b.dtype)
                start = block.column + piece.index * width
                tile = Tile(run.size, width // block.lanes)
                more = piece.index + 1 < block.pieces
                next_row = code.select(more, row, row + tile.rows)
                next_start = code.select(more, start + width, block.column)
                spot = Spot(self.outer, row, start, tile, block.lanes)
                ahead = self.result.ahead(replace(spot, row=next_row, column=next_start))
                if ahead is None:
                    number = code.binary("sdiv", row - run.start, code.index(run.size)) + run.unit
                    ahead = self._next_block(block, k, piece.index, number, tiles, tile.rows)
                sums = self.result.begin(spot, k)
                sums = self._sums((a, b, width), depth, sums, tile, ahead)
                last = None if depth == self.depth else k == self.depth - depth
                self.result.finish(spot, sums, last)

    def _next_block(
        self, block: "Block", k: Value, piece: Value, number: Value, tiles: int, parts: int
    ) -> Ahead:
        """Ask for the block of B after this one, a few cache lines with each part of each tile."""
        code, across = self.code, self.b.strides[-1] == 1
        line = LINE // self.b.dtype.itemsize
        run = (block.width if across else block.depth) // line or 1  # lines that lie side by side
        lines = max(block.width * block.depth // line, 1)
        share = -(-lines // (tiles * parts))
        following = k + block.depth
        wraps = following >= self.depth
        following = code.select(wraps, code.index(0), following)
        column = block.column + piece * block.width
        further = column + block.pieces * block.width
        column = code.select(wraps, further, column)

        def ahead(part: Value) -> None:
            for i in range(share):
                at = (number * parts + part) * share + i
                far = code.binary("udiv", at, code.index(run))
                near = code.binary("urem", at, code.index(run)) * line
                places = (
                    [following + far, column + near] if across else [following + near, column + far]
                )
                code.prefetch(self._place(self.b, places), code.index(0), self.b.dtype)

        return ahead


@dataclass(frozen=True)
class Block:
    """A block of B: `pieces` panels of `width` columns from `column`, `depth` rows of them."""

    column: Value
    width: int
    pieces: int
    lanes: int
    depth: int


def _pack(
    product: Product, k: Value, column: Value, depth: int, width: int, lanes: int, memory: str
) -> None:
    """Rows k … k + depth of a panel of B, side by side; blocks are transposed where B is."""
    code, b, dtype = product.code, product.b, product.b.dtype
    if b.strides[-1] == 1:
        with code.loop(depth) as loop:
            source = product._place(b, [k + loop.index, column])
            target = code.address(memory, loop.index * width, dtype)
            for place in range(0, width, lanes):
                one = code.load(source, code.index(place), Kind(dtype, lanes))
                code.store(one, target, code.index(place))
        return
    full = depth - depth % lanes if b.strides[-2] == 1 and lanes > 1 else 0
    with code.loop(width, step=lanes) as columns, code.loop(full, step=lanes) as rows:
        lines = [
            code.load(
                product._place(b, [k + rows.index, column + columns.index + i]),
                code.index(0),
                Kind(dtype, lanes),
            )
            for i in range(lanes)
        ]
        target = code.address(memory, rows.index * width + columns.index, dtype)
        for i, line in enumerate(transposed(code, lines)):
            code.store(line, target, code.index(i * width))
    if full < depth:
        with code.loop(depth, start=full) as rows, code.loop(width) as columns:
            source = product._place(b, [k + rows.index, column + columns.index])
            one = code.load(source, code.index(0), Kind(dtype))
            code.store(one, memory, rows.index * width + columns.index)
