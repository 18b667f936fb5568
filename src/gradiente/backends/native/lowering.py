"""The table of lowerings: for each operation that is no formula, what writes its kernel."""

from collections.abc import Callable
from typing import Any

from gradiente.ops.operation import Operation

Lowering = Callable[..., None]

LOWERINGS: dict[Operation, Lowering] = {}


def lowers(operation: Operation) -> Callable[[Lowering], Lowering]:
    """Enter `lowering(writer, node, input views, target view)` for an operation."""

    def decorate(lowering: Lowering) -> Lowering:
        LOWERINGS[operation] = lowering
        return lowering

    return decorate


def write_kernel(writer: Any, node: Any, inputs: Any, target: Any) -> None:
    """Write the kernel of one operation."""
    LOWERINGS[node.operation](writer, node, inputs, target)
