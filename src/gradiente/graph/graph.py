"""A graph: a program as data, from its inputs to its outputs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gradiente.base.errors import InvalidGraphError
from gradiente.graph.node import Node
from gradiente.graph.text import program_text
from gradiente.graph.walk import reachable


@dataclass(eq=False)
class Graph:
    """A function of arrays, written out: inputs, outputs and the nodes between them.

    Printing it gives a program, each line beside the user's line that it came from.
    """

    name: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    output_names: tuple[str, ...] = ()
    nodes: list[Node] = field(init=False)

    def __post_init__(self) -> None:
        inputs = set(self.inputs)
        self.nodes = reachable(self.outputs, stop=lambda node: node in inputs)
        self.output_names = self.output_names or ("",) * len(self.outputs)

    @property
    def steps(self) -> Iterator[Node]:
        """The nodes to be computed, in order: neither inputs nor constants."""
        inputs = set(self.inputs)
        return (n for n in self.nodes if n.operation is not None and n not in inputs)

    def __str__(self) -> str:
        return program_text(self)

    def __repr__(self) -> str:
        return (
            f"<graph {self.name}: {len(self.inputs)} inputs, "
            f"{sum(1 for _ in self.steps)} operations, {len(self.outputs)} outputs>"
        )


def verify(graph: Graph) -> None:
    """Check the rules of a graph; `InvalidGraphError` names the node that breaks one.

    Every node but inputs and constants has an operation, its inputs come before it, and its type
    is what the operation's type rule says.
    """
    known = set(graph.inputs)
    for node in graph.nodes:
        if node in known or node.is_constant:
            known.add(node)
            continue
        if node.operation is None:
            raise InvalidGraphError(f"{node!r} is an input that the graph does not list.")
        if not all(item in known for item in node.inputs):
            raise InvalidGraphError(f"{node!r} comes before one of its inputs.")
        expected = node.operation.type_rule(*(item.type for item in node.inputs), **node.params)
        if expected != node.type:
            raise InvalidGraphError(f"{node!r} should have type {expected}.")
        known.add(node)
