"""Walking a graph without recursion, in an order in which every node follows its inputs."""

from collections.abc import Callable, Collection, Iterable

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


def between(
    sources: Collection[Node],
    outputs: Iterable[Node],
    through: Callable[[Node], bool] = lambda node: True,
) -> set[Node]:
    """The nodes by way of which the outputs depend on the sources, both ends included.

    Only paths count on which `through` is true of every node.
    """
    path: set[Node] = set()
    for node in reachable(outputs, stop=lambda node: node in sources):
        if through(node) and (node in sources or any(item in path for item in node.inputs)):
            path.add(node)
    return path
