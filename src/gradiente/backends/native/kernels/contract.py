"""The matrix product as a kernel, with the elementwise operations that follow it."""

from gradiente.backends.native.kernels.elementwise import Formulas
from gradiente.backends.native.kernels.epilogue import Epilogue
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import anchors
from gradiente.backends.native.kernels.narrow import write_narrow
from gradiente.backends.native.kernels.product import Product
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import contract


@anchors(contract.matmul)
def _(writer: KernelWriter, node: Node, inputs: list[View], after: Formulas) -> None:
    shape = node.type.shape
    if 0 in shape:
        return
    batch = shape[:-2]
    a, b = (view.broadcast((*batch, *view.shape[-2:])) for view in inputs)
    if not node.type.is_floating:
        _plain(writer, node, a, b, after)
    elif batch:
        result = Epilogue(writer, after, node)
        cost = Product(writer, a, b, [], result).cost
        for length in batch:
            cost *= length
        with writer.shared_loops(batch, cost) as outer:
            Product(writer, a, b, outer, result).write(shared=False)
    elif not write_narrow(writer, node, a, b, after):
        Product(writer, a, b, [], Epilogue(writer, after, node)).write(shared=True)


def _plain(writer: KernelWriter, node: Node, a: View, b: View, after: Formulas) -> None:
    """The definition: for integers and booleans, which are rare."""
    code, depth = writer.code, a.shape[-1]
    with writer.loops(node.type.shape) as at:
        *outer, row, column = at
        zero = code.constant(0, Kind(node.type.dtype))
        with code.loop(depth, carried=[zero]) as loop:
            left = writer.read(a, [*outer, row, loop.index])
            right = writer.read(b, [*outer, loop.index, column])
            product = code.convert(left, node.type.dtype) * code.convert(right, node.type.dtype)
            loop.carry(loop.carried[0] + product)
        after.at(at, 1, {node: loop.results[0]})
