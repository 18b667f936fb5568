"""State that is overwritten where it lies: which outputs may take the place of which inputs."""

from gradiente.backends.native.memory.layout import View
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.rewrite.pipeline import is_skipped
from gradiente.rewrite.schedule import is_elementwise

Edges = dict[Node, list[Node]]


def overwriting(
    graph: Graph, views: dict[Node, View], pairs: dict[int, int]
) -> tuple[dict[Node, Node], Edges]:
    """Of the wished pairs (output, input) those that are safe.

    An elementwise loop may write an output over an input if everything that reads the input runs
    before it, or in the same loop at the same elements (a loop stores an element after it has read
    all it needs). Returns the input each node overwrites, and for each such node the readers it
    has to come after.
    """
    users, readers = _users(graph), _readers(graph, views)
    returned = {views[node].base for node in graph.outputs}
    targets: dict[Node, Node] = {}
    after: Edges = {}
    for output, given in () if is_skipped("overwrite") else pairs.items():
        node, source = graph.outputs[output], graph.inputs[given]
        if source in returned:  # its old value is a result too
            continue
        if not _is_candidate(graph, views, node, source) or node in targets:
            continue
        others = [reader for reader in readers.get(source, ()) if reader is not node]
        aligned = all(_reads_aligned(views, r, node, source) for r in [*others, node])
        if not aligned or _reaches(users, node, set(others)):
            continue
        targets[node], after[node] = source, others
        for reader in others:
            users.setdefault(reader, []).append(node)
    return targets, after


def _is_candidate(graph: Graph, views: dict[Node, View], node: Node, source: Node) -> bool:
    once = list(graph.outputs).count(node) == 1
    fits = is_elementwise(node) and node.type == source.type and node not in graph.inputs
    return once and fits and views[node].base is node


def _reads_aligned(views: dict[Node, View], reader: Node, node: Node, source: Node) -> bool:
    """False for a reader that could share the loop but looks at other elements of the source."""
    if not is_elementwise(reader) or reader.type.shape != node.type.shape:
        return True
    return all(
        item is source or (views[item].is_contiguous and views[item].shape == source.type.shape)
        for item in reader.inputs
        if views[item].base is source
    )


def _users(graph: Graph) -> Edges:
    users: Edges = {}
    for node in graph.steps:
        for item in node.inputs:
            users.setdefault(item, []).append(node)
    return users


def _readers(graph: Graph, views: dict[Node, View]) -> Edges:
    """For each buffer the nodes that read it, through views or directly."""
    readers: Edges = {}
    for node in graph.steps:
        if views[node].base is node:
            for item in node.inputs:
                readers.setdefault(views[item].base, []).append(node)
    return readers


def _reaches(users: Edges, start: Node, goals: set[Node]) -> bool:
    """True if one of the goals comes after `start`."""
    seen: set[Node] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in goals:
            return True
        for user in users.get(node, ()):
            if user not in seen:
                seen.add(user)
                waiting.append(user)
    return False
