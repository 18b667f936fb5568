"""Fusion: which operations run in one loop, and in what order the loops run.

Every node gets a *stage*. Along an edge between elementwise operations of one shape the stage may
stay the same; along every other edge it grows. So two elementwise operations of one shape and one
stage depend on each other, if at all, only through others of the same kind, and all of them can
share a loop. Elementwise operations wait for the last stage at which somebody needs them, so that
what is computed early is not kept in memory for long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradiente.graph.graph import Graph
from gradiente.graph.node import Node


@dataclass
class Kernel:
    """Operations that run together: one of any kind, or elementwise ones of one shape in order."""

    stage: int
    nodes: list[Node] = field(default_factory=list)

    @property
    def is_elementwise(self) -> bool:
        """True for a loop over elements."""
        return is_elementwise(self.nodes[0])


def is_elementwise(node: Node) -> bool:
    """True for operations that compute each element from those at the same place."""
    return node.operation is not None and node.operation.family == "elementwise"


def schedule(
    graph: Graph, views: Iterable[Node] = (), after: Mapping[Node, Iterable[Node]] | None = None
) -> list[Kernel]:
    """The kernels of a graph in an order in which each follows what it needs.

    views: nodes that are only another way of looking at their input, and cost nothing.
    after: nodes that must be computed after others have been, for reasons the graph does not show
    (they overwrite what those read).
    """
    looked_at = set(views)
    steps = list(graph.steps)
    needs = {node: [*node.inputs, *(after or {}).get(node, ())] for node in steps}
    order = _order(steps, needs)
    stages = _earliest(graph, order, needs, looked_at)
    _postpone(order, needs, stages, looked_at, set(graph.outputs))
    kernels: dict[object, Kernel] = {}
    for node in steps:
        if node in looked_at:
            continue
        stage = stages[node]
        key = (stage, node.type.shape) if is_elementwise(node) else node
        kernels.setdefault(key, Kernel(stage)).nodes.append(node)
    return sorted(kernels.values(), key=lambda kernel: kernel.stage)


def _order(steps: list[Node], needs: dict[Node, list[Node]]) -> list[Node]:
    """The nodes so that each follows all it needs; their own order where nothing else is asked."""
    done: set[Node] = set()
    order: list[Node] = []
    waiting = list(reversed(steps))
    while waiting:
        node = waiting[-1]
        missing = [item for item in needs.get(node, ()) if item in needs and item not in done]
        if node in done:
            waiting.pop()
        elif missing:
            waiting.extend(missing)
        else:
            done.add(node)
            order.append(waiting.pop())
    return order


def _step(producer: Node, consumer: Node) -> int:
    """How much the stage grows along an edge."""
    together = is_elementwise(producer) and is_elementwise(consumer)
    return 0 if together and producer.type.shape == consumer.type.shape else 1


def _earliest(
    graph: Graph, order: list[Node], needs: dict[Node, list[Node]], views: set[Node]
) -> dict[Node, int]:
    stages = dict.fromkeys(graph.nodes, 0)
    for node in order:
        free = node in views
        known = [stages[item] + (0 if free else _step(item, node)) for item in needs[node]]
        stages[node] = max(known, default=0 if free else 1)
    return stages


def _postpone(
    order: list[Node],
    needs: dict[Node, list[Node]],
    stages: dict[Node, int],
    views: set[Node],
    outputs: set[Node],
) -> None:
    """Move elementwise nodes to the last stage their users allow."""
    latest: dict[Node, int] = {}
    for node in reversed(order):
        if node in latest and node not in outputs and (is_elementwise(node) or node in views):
            stages[node] = max(stages[node], latest[node])
        for item in needs[node]:
            allowed = stages[node] - (0 if node in views else _step(item, node))
            latest[item] = min(latest.get(item, allowed), allowed)
