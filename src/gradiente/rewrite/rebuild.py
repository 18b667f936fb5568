"""Building a graph anew, node by node, with a rule that may put another node in each place."""

from collections.abc import Callable

from gradiente.base.errors import InvalidGraphError
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node

Rule = Callable[[Node, tuple[Node, ...]], Node | None]


def rebuild(graph: Graph, rule: Rule) -> Graph:
    """The graph in which every node is what `rule(node, new inputs)` says.

    `None` keeps the operation. Nodes nobody needs any more disappear. Inputs stay the same nodes.
    """
    became: dict[Node, Node] = {node: node for node in graph.inputs}
    for node in graph.nodes:
        if node in became:
            continue
        if node.operation is None:
            became[node] = node
            continue
        inputs = tuple(became[item] for item in node.inputs)
        replacement = rule(node, inputs)
        if replacement is None:
            replacement = node if inputs == node.inputs else with_inputs(node, inputs)
        if replacement.type != node.type:
            raise InvalidGraphError(f"{node!r} was replaced by {replacement!r}.")
        became[node] = replacement
    outputs = tuple(became[node] for node in graph.outputs)
    return Graph(graph.name, graph.inputs, outputs, graph.output_names)


def with_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same operation on other inputs of the same types."""
    return Node(node.operation, inputs, node.params, node.type, node.source)


def with_own_inputs(graph: Graph) -> Graph:
    """The same graph, whose inputs are values in no other: nothing can look behind them."""
    became = {node: Node(None, (), {}, node.type, node.source) for node in graph.inputs}
    for node in graph.nodes:
        if node not in became:
            inputs = tuple(became[item] for item in node.inputs)
            became[node] = node if inputs == node.inputs else with_inputs(node, inputs)
    inputs = tuple(became[node] for node in graph.inputs)
    outputs = tuple(became[node] for node in graph.outputs)
    return Graph(graph.name, inputs, outputs, graph.output_names)
