"""Common subexpressions: what is computed twice is computed once."""

from typing import Any

import numpy as np

from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.rewrite.rebuild import rebuild, with_inputs


def merge(graph: Graph) -> Graph:
    """The graph in which equal operations on equal inputs, and equal constants, are one node."""
    known: dict[Any, Node] = {}
    constants: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.is_constant:
            constants[node] = known.setdefault(_constant_key(node), node)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        inputs = tuple(constants.get(item, item) for item in inputs)
        key = (node.operation, inputs, _hashable(node.params))
        if key not in known:
            known[key] = node if inputs == node.inputs else with_inputs(node, inputs)
        return known[key]

    return rebuild(graph, rule)


def _constant_key(node: Node) -> Any:
    value = np.asarray(node.value)
    return ("constant", node.type, value.tobytes())  # by bits: 0.0 and -0.0 differ


def _hashable(params: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))
