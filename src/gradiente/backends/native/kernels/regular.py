"""The graph as this backend wants it: arrays in the order of their use, convolutions by tiles."""

import numpy as np

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.kernels.product import is_packed
from gradiente.backends.native.kernels.shape import copy
from gradiente.backends.native.kernels.winograd_rule import by_tiles
from gradiente.backends.native.memory.layout import View, view_through, whole
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops.contract import matmul
from gradiente.ops.convolution import convolution
from gradiente.ops.operation import Operation
from gradiente.ops.scan import scan
from gradiente.rewrite.pipeline import is_skipped
from gradiente.rewrite.rebuild import rebuild, with_inputs

# Not a word of the language: only this backend knows that arrays lie in some order.
in_order = Operation("in_order", np.ascontiguousarray, lambda x: x)
copied = Operation("copied", np.copy, lambda x: x, family="elementwise", formula=lambda m, x: x)


def with_copies(graph: Graph) -> Graph:
    """The graph in which every output has a node of its own.

    A body of a loop returns a state twice, as what the next round begins with and as a result, and
    also what it began with: copies that are elementwise operations join the loops around them.
    """
    taken = set(graph.inputs)
    outputs = []
    for node in graph.outputs:
        again = node in taken or node.is_constant
        outputs.append(Node(copied, (node,), {}, node.type, node.source) if again else node)
        taken.add(node)
    return Graph(graph.name, graph.inputs, tuple(outputs), graph.output_names)


def regular(graph: Graph) -> Graph:
    """The graph in which the second factor of a matrix product has its rows side by side.

    Convolutions by 3 × 3 become products of tiles, where these are faster.

    Large ones stay as they are: the product brings them into order itself, block by block. The
    weight of a convolution is always brought into order: it is used at every place; and so is what
    is the same in all rounds of a loop.
    """
    views: dict[Node, View] = {}

    def view(node: Node) -> View:
        if node not in views:
            inner = view(node.inputs[0]) if node.operation is not None and node.inputs else None
            look = view_through(node, inner) if inner is not None else None
            views[node] = whole(node) if look is None else look
        return views[node]

    def in_rows(node: Node) -> Node:
        regular = node.type.ndim < 2 or view(node).strides[-1] == 1 or node.type.shape[-1] == 1
        return node if regular else Node(in_order, (node,), {}, node.type, node.source)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.operation is scan and not is_skipped("order"):
            changing = node.params["body"].carries + node.params["body"].slices
            fixed = [in_rows(item) for item in inputs[changing:]]
            return with_inputs(node, (*inputs[:changing], *fixed))
        if node.operation not in (matmul, convolution):
            return None
        a, b = inputs
        tiled = None
        if node.operation is convolution and not is_skipped("tiles"):
            tiled = by_tiles(node, inputs, view)
        if tiled is not None:
            return tiled
        if view(b).strides[-1] == 1 or b.type.shape[-1] == 1:
            return None
        product = node.operation is matmul and node.type.is_floating
        if product and (is_packed(a.type, b.type) or is_skipped("order")):
            return None
        return with_inputs(node, (a, Node(in_order, (b,), {}, b.type, node.source)))

    return rebuild(graph, rule)


@lowers(in_order)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    copy(writer, inputs[0], target)
