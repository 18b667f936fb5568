"""The values of concrete nodes, computed when they are asked for, each one once."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError
from gradiente.base.types import type_of
from gradiente.graph.node import Node
from gradiente.graph.walk import reachable


def run(node: Node, values: Iterable[Any]) -> np.ndarray:
    """The value of one node from the values of its inputs; errors name the user's line."""
    assert node.operation is not None
    try:
        return np.asarray(node.operation.value(*values, **node.params))
    except GradienteError as error:
        raise type(error)(f"{error}{node.source.explain()}") from None


def evaluate(nodes: Iterable[Node]) -> None:
    """Fill in the `value` of concrete nodes, and of those they need and no others."""
    wanted = [node for node in nodes if node.value is None]
    if not wanted:
        return
    with np.errstate(all="ignore"):  # infinities and NaN are values here, not events
        for node in reachable(wanted, stop=lambda node: node.value is not None):
            if node.value is None:
                value = run(node, [item.value for item in node.inputs])
                assert type_of(value) == node.type, (node, value.dtype, value.shape)
                node.value = value
