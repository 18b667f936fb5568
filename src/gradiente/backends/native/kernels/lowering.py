"""The tables of lowerings: for each operation that is no formula, what writes its kernel.

An *anchor* is an operation that elementwise operations can follow in the same kernel: its lowering
hands every element to them as soon as it is known. The other operations write to memory.
"""

from collections.abc import Callable
from typing import Any

from gradiente.ops.operation import Operation

Lowering = Callable[..., None]

LOWERINGS: dict[Operation, Lowering] = {}
ANCHORS: dict[Operation, Lowering] = {}


def lowers(operation: Operation) -> Callable[[Lowering], Lowering]:
    """Enter `lowering(writer, node, input views, target view)` for an operation."""

    def decorate(lowering: Lowering) -> Lowering:
        LOWERINGS[operation] = lowering
        return lowering

    return decorate


def anchors(*operations: Operation) -> Callable[[Lowering], Lowering]:
    """Enter `lowering(writer, node, input views, formulas that follow)` for an operation."""

    def decorate(lowering: Lowering) -> Lowering:
        for operation in operations:
            ANCHORS[operation] = lowering
        return lowering

    return decorate


def write_kernel(writer: Any, node: Any, inputs: Any, target: Any) -> None:
    """Write the kernel of one operation."""
    LOWERINGS[node.operation](writer, node, inputs, target)
