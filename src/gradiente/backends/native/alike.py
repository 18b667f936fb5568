"""Kernels that do the same with other buffers are written once: layers are often alike.

What a kernel is made of is described without naming its buffers; two kernels of one description
have one text, and the second is called with its own buffers in the place of those of the first.
"""

from collections.abc import Hashable, Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops.scan import scan
from gradiente.rewrite.schedule import Kernel


@dataclass(frozen=True)
class Pattern:
    """What a kernel does, and the buffers it does it with, in the order of the description."""

    description: Hashable
    buffers: list[Node]


def pattern_of(kernel: Kernel, views: Mapping[Node, View], stored: set[Node]) -> Pattern | None:
    """The pattern of a kernel; `None` if it cannot be described.

    stored: the buffers that must be in memory.
    """
    if any(node.operation is scan for node in kernel.nodes):
        return None
    describing = _Describing(kernel, views, stored)
    description = tuple(map(describing.node, kernel.nodes))
    whole = (description, None if kernel.rows is None else tuple(kernel.rows.full))
    try:
        hash(whole)
    except TypeError:  # a parameter is a list or an array
        return None
    return Pattern(whole, list(describing.numbers))


class _Describing:
    def __init__(self, kernel: Kernel, views: Mapping[Node, View], stored: set[Node]):
        self.kernel, self.views, self.stored = kernel, views, stored
        self.inside = {node: number for number, node in enumerate(kernel.nodes)}
        self.numbers: dict[Node, int] = {}

    def node(self, node: Node) -> tuple[Hashable, ...]:
        """One operation: what it is, of what, and where its value goes."""
        base = self.views[node].base
        return (
            node.operation,
            tuple(sorted(node.params.items())),
            node.type,
            tuple(map(self._input, node.inputs)),
            self._view(node) if base in self.stored else None,
            node in self.kernel.before,
            node is self.kernel.anchor,
        )

    def _input(self, item: Node) -> Hashable:
        rows = self.kernel.rows
        source = item if rows is None else rows.source(item)
        return self.inside.get(item), self.inside.get(source), item.type, self._view(item)

    def _view(self, node: Node) -> Hashable:
        view = self.views[node]
        number = self.numbers.setdefault(view.base, len(self.numbers))
        value: Hashable = None
        if view.base.is_constant and view.base.type.size == 1:  # is written into the text
            value = np.asarray(view.base.value).tobytes()
        return number, view.dtype, view.shape, view.strides, view.offset, value, view.base.type


class Texts:
    """The kernels written so far, by their patterns."""

    def __init__(self) -> None:
        self.known: dict[Hashable, tuple[Pattern, KernelWriter, str]] = {}

    def find(self, pattern: Pattern | None) -> tuple[KernelWriter, str] | None:
        """What was written for such a pattern, on the buffers of this one."""
        found = self.known.get(pattern.description) if pattern is not None else None
        if found is None or pattern is None:
            return None
        first, writer, text = found
        places = dict(zip(first.buffers, pattern.buffers, strict=True))
        mine = copy(writer)
        mine.buffers = [places.get(node) or _another(node) for node in writer.buffers]
        return mine, text

    def enter(self, pattern: Pattern | None, writer: KernelWriter, text: str) -> None:
        """Remember a kernel, unless its text names one of the program's checks."""
        if pattern is not None and not writer.checks:
            self.known.setdefault(pattern.description, (pattern, writer, text))


def _another(node: Node) -> Node:
    """Memory for the duration of a kernel: each has its own; a constant serves all."""
    return node if node.is_constant else Node(None, (), {}, node.type)
