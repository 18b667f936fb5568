"""Products with few columns: vectors run along the rows, which lie side by side in A.

The gradient of a last layer's weight is such a product: one column for each class. It is computed
turned over, Cᵀ = Bᵀ Aᵀ, and put into memory the right way round; what follows goes over all
elements of C in one row.
"""

from dataclasses import replace

import numpy as np

from gradiente.backends.native.kernels.elementwise import Formulas, flattened, row
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.product import Product
from gradiente.backends.native.kernels.tile import Ahead, Spot
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node

LONGEST = 20_000.0  # nanoseconds: longer products are worth dividing among threads


def write_narrow(writer: KernelWriter, node: Node, a: View, b: View, after: Formulas) -> bool:
    """The whole kernel, if the product is of this kind; else nothing, and False."""
    rows, columns = node.type.shape
    lanes = writer.target.lanes(node.type.dtype.itemsize)
    flat = flattened(after)
    fits = (
        columns < lanes <= rows
        and a.strides == (1, a.strides[-1])
        and node.type.dtype != np.float16
    )
    if flat is None or not fits or a.dtype != b.dtype:
        return False
    memory = writer.private(ArrayType((rows * columns,), node.type.dtype))
    product = Product(writer, _turned(b), _turned(a), [], _Turned(writer, node, memory))
    if product.cost > LONGEST:
        return False
    product.write(shared=False)
    kind = node.type.dtype

    def at(indices: list[Value], lanes: int) -> None:
        value = writer.code.load(memory, indices[0], Kind(kind, lanes))
        flat.at(indices, lanes, {node: value})

    row(writer, [], rows * columns, lanes, at)
    writer.cost = product.cost
    return True


def _turned(view: View) -> View:
    return replace(view, shape=view.shape[::-1], strides=view.strides[::-1])


class _Turned:
    """A `Result`: each sum goes to its place in memory, row by row of C."""

    work = 0.1

    def __init__(self, writer: KernelWriter, node: Node, memory: str):
        self.code, self.memory, self.kind = writer.code, memory, node.type.dtype
        self.columns = node.type.shape[-1]

    def keep_sums(self) -> None:
        """These products are too short to be cut."""
        raise NotImplementedError

    def ahead(self, spot: Spot) -> Ahead | None:
        """Nothing is read that would have to be asked for."""
        return None

    def begin(self, spot: Spot, k: Value) -> list[Value]:
        """Zeros."""
        return [self.code.constant(0, Kind(self.kind, spot.lanes))] * spot.size

    def finish(self, spot: Spot, sums: list[Value], last: Value | None = None) -> None:
        """Element by element: those of a vector lie in one column of C."""
        code = self.code
        for number, value in enumerate(sums):
            i, j = divmod(number, spot.tile.vectors)
            first = (spot.column + j * spot.lanes) * self.columns + spot.row + i
            for lane in range(spot.lanes):
                one = code.element(value, code.index(lane))
                code.store(one, self.memory, first + lane * self.columns)
