"""Composite operations replaced by their bodies, for a backend that has no kernel for them."""

from collections.abc import Callable

from gradiente.base.source import attributed_to
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops.operation import Operation
from gradiente.rewrite.rebuild import rebuild
from gradiente.trace.functions import Tensor, m


def expand(graph: Graph, wanted: Callable[[Operation], bool] = lambda operation: True) -> Graph:
    """The graph with the composites for which `wanted` is true written out."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        operation = node.operation
        if operation is None or operation.body is None or not wanted(operation):
            return None
        with attributed_to(node.source):
            return operation.body(m, *map(Tensor, inputs), **node.params).node

    return rebuild(graph, rule)
