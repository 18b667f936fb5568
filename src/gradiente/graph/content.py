"""What a graph says, as a value: equal for graphs that say the same, at the same lines."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops.operation import OPERATIONS

LARGEST = 1 << 16  # bytes of a constant that is compared
PLAIN = (int, str, type(None), type, np.dtype, ArrayType)  # whose equality says everything


def content(graph: Graph) -> Hashable | None:
    """All that a program made of the graph depends on; `None` if that cannot be compared.

    Operations, static parameters, types, names, the user's lines, and constants to the bit. `None`
    it is for large constants, operations that are in no registry, and parameters such as functions.
    """
    places = {node: place for place, node in enumerate(graph.inputs)}
    given = tuple([(node.type, node.name, node.source) for node in graph.inputs])
    written = []
    for node in graph.nodes:
        if node not in places:
            one = _content(node, places)
            if one is None:
                return None
            places[node] = len(places)
            written.append(one)
    results = tuple([places[node] for node in graph.outputs])
    return graph.name, given, tuple(written), results, graph.output_names


def _content(node: Node, places: dict[Node, int]) -> Hashable | None:
    """One node, with its inputs as places among all nodes."""
    if node.operation is None:
        if node.value is None or node.value.nbytes > LARGEST:
            return None
        return node.type, node.name, node.source, np.asarray(node.value).tobytes()
    if OPERATIONS.get(node.operation.name) is not node.operation:
        return None
    inputs = tuple([places[item] for item in node.inputs])
    params = _exact(node.params)
    return None if params is None else (node.operation, inputs, params, node.type, node.source)


def _exact(value: Any) -> Hashable | None:
    """A static parameter with its type: 1, 1.0 and True are equal in Python, and so are 0.0, -0.0.

    `None` if it cannot be compared; the value `None` itself has a type.
    """
    if isinstance(value, dict):
        return _all(dict, [part for item in sorted(value.items()) for part in item])
    if isinstance(value, tuple):
        return _all(type(value), value)
    if isinstance(value, float):
        return type(value), value.hex()
    return (type(value), value) if isinstance(value, PLAIN) else None


def _all(kind: type, values: Any) -> Hashable | None:
    parts = [_exact(value) for value in values]
    return None if None in parts else (kind, *parts)
