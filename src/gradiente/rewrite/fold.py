"""Constant folding: what depends on constants alone is computed once, now."""

from gradiente.graph.evaluate import evaluate
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.rewrite.rebuild import rebuild, with_inputs

LARGEST = 1 << 16  # bytes: a large array is cheaper to compute than to keep in the program


def fold(graph: Graph) -> Graph:
    """The graph with small constant subexpressions replaced by their values."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        size = node.type.size * node.type.dtype.itemsize
        if size > LARGEST or not inputs or not all(item.is_constant for item in inputs):
            return None
        copy = with_inputs(node, inputs)
        evaluate([copy])
        return Node(None, (), {}, node.type, node.source, value=copy.value)

    return rebuild(graph, rule)
