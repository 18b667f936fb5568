"""Walking a graph without recursion, in an order in which every node follows its inputs."""

from collections.abc import Callable, Iterable

from gradiente.graph.node import Node


def reachable(
    outputs: Iterable[Node], stop: Callable[[Node], bool] = lambda node: False
) -> list[Node]:
    """All nodes the outputs are computed from, inputs first.

    The walk does not look behind a node for which `stop` is true. Numbers grow with creation, so
    sorting by them is a topological order.
    """
    seen: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if not stop(node):
            waiting.extend(node.inputs)
    return sorted(seen, key=lambda node: node.number)
