"""Fusion: which operations run in one loop, and in what order the loops run.

Every node gets a *stage*. Along an edge between elementwise operations of one shape the stage may
stay the same; along every other edge it grows. So two elementwise operations of one shape and one
stage depend on each other, if at all, only through others of the same kind, and all of them can
share a loop. Elementwise operations wait for the last stage at which somebody needs them, so that
what is computed early is not kept in memory for long.
"""

from collections.abc import Iterable
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


def schedule(graph: Graph, views: Iterable[Node] = ()) -> list[Kernel]:
    """The kernels of a graph in an order in which each follows what it needs.

    views: nodes that are only another way of looking at their input, and cost nothing.
    """
    looked_at = set(views)
    steps = list(graph.steps)
    stages = _earliest(graph, steps, looked_at)
    _postpone(steps, stages, looked_at, set(graph.outputs))
    kernels: dict[object, Kernel] = {}
    for node in steps:
        if node in looked_at:
            continue
        stage = stages[node]
        key = (stage, node.type.shape) if is_elementwise(node) else node
        kernels.setdefault(key, Kernel(stage)).nodes.append(node)
    return sorted(kernels.values(), key=lambda kernel: kernel.stage)


def _step(producer: Node, consumer: Node) -> int:
    """How much the stage grows along an edge."""
    together = is_elementwise(producer) and is_elementwise(consumer)
    return 0 if together and producer.type.shape == consumer.type.shape else 1


def _earliest(graph: Graph, steps: list[Node], views: set[Node]) -> dict[Node, int]:
    stages = dict.fromkeys(graph.nodes, 0)
    for node in steps:
        known = [stages[item] + (0 if node in views else _step(item, node)) for item in node.inputs]
        stages[node] = max(known, default=0 if node in views else 1)
    return stages


def _postpone(
    steps: list[Node], stages: dict[Node, int], views: set[Node], outputs: set[Node]
) -> None:
    """Move elementwise nodes to the last stage their users allow."""
    latest: dict[Node, int] = {}
    for node in reversed(steps):
        if node in latest and node not in outputs and (is_elementwise(node) or node in views):
            stages[node] = max(stages[node], latest[node])
        for item in node.inputs:
            allowed = stages[node] - (0 if node in views else _step(item, node))
            latest[item] = min(latest.get(item, allowed), allowed)
