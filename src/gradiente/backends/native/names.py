"""What kernels are called, and which of the user's lines they come from."""

from collections.abc import Iterable

from gradiente.graph.node import Node
from gradiente.rewrite.schedule import Kernel

WORDS = 4  # in the name of a kernel, at most


def operations_of(kernel: Kernel) -> tuple[str, ...]:
    """The names of its operations, in order; what is no operation is a copy."""
    return tuple(map(_operation, kernel.nodes))


def lines_of(kernel: Kernel) -> tuple[str, ...]:
    """The user's lines behind a kernel, each once; that of its anchor comes first."""
    comments = (node.source.comment for node in _main_first(kernel))
    return tuple(dict.fromkeys(comment for comment in comments if comment))


def kernel_name(kernel: Kernel, number: int) -> str:
    """What it computes, its anchor first, and a number of its own: `matmul_add_maximum_7`."""
    operations = list(dict.fromkeys(map(_operation, _main_first(kernel))))
    words = operations[:WORDS]
    if len(operations) > WORDS:
        words[-1] = "more"
    return f"{'_'.join(words)}_{number}"


def _operation(node: Node) -> str:
    return node.operation.name if node.operation else "copy"


def _main_first(kernel: Kernel) -> Iterable[Node]:
    anchor = [] if kernel.anchor is None else [kernel.anchor]
    return [*anchor, *(node for node in kernel.nodes if node is not kernel.anchor)]
