"""Cheap operations are computed again by every kernel that needs them, instead of being kept.

Reading x and subtracting a mean costs no more time than reading x - mean, which then needs neither
be written nor kept: memory is what large elementwise operations wait for.
"""

from collections.abc import Callable, Iterable, Mapping

from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops import elementwise
from gradiente.rewrite.pipeline import is_skipped
from gradiente.rewrite.schedule import Kernel, is_elementwise

CHEAP = {
    elementwise.add,
    elementwise.subtract,
    elementwise.multiply,
    elementwise.negative,
    elementwise.cast,
    elementwise.greater,
    elementwise.relu,
}
MOST = 3  # such operations in a row, from what is in memory
LARGE = 1 << 15  # elements of what is worth it
SMALL = 8  # times smaller: what is read beside the one large input


def recompute(
    graph: Graph,
    kernels: list[Kernel],
    views: Iterable[Node],
    fixed: Mapping[Node, Node],
    precedes: Callable[[Node], bool],
) -> list[Kernel]:
    """The kernels, with cheap operations in each that reads their result.

    views: nodes that are other ways of looking at their inputs. fixed: nodes that take the place of
    an input, and that input, which must not be read later than it is. precedes: anchors whose input
    elementwise operations can prepare.
    """
    if is_skipped("recompute"):
        return kernels
    again = _Again(graph, kernels, set(views), fixed, precedes)
    for node in graph.steps:
        again.consider(node)
    return [kernel for kernel in kernels if kernel.nodes]


class _Again:
    """What is computed again: chains, the large value each begins with, how long they are."""

    def __init__(
        self,
        graph: Graph,
        kernels: list[Kernel],
        views: set[Node],
        fixed: Mapping[Node, Node],
        precedes: Callable[[Node], bool],
    ):
        self.views, self.fixed, self.precedes = views, fixed, precedes
        self.outputs, self.inputs = set(graph.outputs), set(graph.inputs)
        self.home = {node: kernel for kernel in kernels for node in kernel.nodes}
        self.users: dict[Node, list[Node]] = {}
        for node in graph.steps:
            for item in dict.fromkeys(node.inputs):
                self.users.setdefault(item, []).append(node)
        self.chains: dict[Node, list[Node]] = {}

    def consider(self, node: Node) -> None:
        """Let all kernels that need the node compute it, if that is possible and pays."""
        chain = self._chain(node)
        if chain is None or any(user in self.views for user in self.users.get(node, ())):
            return
        home = self.home[node]
        readers = {id(k): k for k in map(self.home.__getitem__, self.users[node]) if k is not home}
        if not readers or not all(self._fits(kernel, chain) for kernel in readers.values()):
            return
        self.chains[node] = chain
        for kernel in readers.values():
            self._enter(kernel, chain)
        if not any(user in home.nodes for user in self.users[node]):
            home.nodes.remove(node)
            home.before.discard(node)

    def _chain(self, node: Node) -> list[Node] | None:
        """The operations that make a node of what is in memory anyway; `None` if it is too much."""
        wanted = node.operation in CHEAP and node.type.size >= LARGE and node in self.home
        if not wanted or node in self.outputs or node in self.fixed or node not in self.users:
            return None
        chain: list[Node] = []
        large = 0
        for item in dict.fromkeys(node.inputs):
            if self._is_overwritten(item):
                return None
            if item in self.chains:
                chain += [one for one in self.chains[item] if one not in chain]
                large += 1
            elif item.type.size * SMALL > node.type.size:
                large += 1
                if not self._is_kept(item, node):
                    return None
        return [*chain, node] if large <= 1 and len(chain) < MOST else None

    def _is_overwritten(self, node: Node) -> bool:
        while node in self.views:
            node = node.inputs[0]
        return node in self.fixed.values()

    def _is_kept(self, item: Node, node: Node) -> bool:
        """True for what is in memory whatever becomes of a node that uses it."""
        if item in self.inputs or item in self.outputs or item.is_constant or item in self.views:
            return True
        home = self.home[item]
        others = (user for user in self.users[item] if user is not node)
        return any(user in self.views or self.home[user] is not home for user in others)

    def _fits(self, kernel: Kernel, chain: list[Node]) -> bool:
        """True if a kernel can compute a chain before the first of its operations that needs it."""
        shape = chain[-1].type.shape
        if any(node.type.shape != shape for node in chain):
            return False
        if kernel.rows is not None:
            return all(kernel.rows.is_full(n) and kernel.rows.fits(n) for n in chain)
        if kernel.anchor is None:
            return is_elementwise(kernel.nodes[0]) and kernel.nodes[0].type.shape == shape
        users = [user for user in self.users[chain[-1]] if user in kernel.nodes]
        if self._prepares(kernel, users):
            return kernel.anchor.inputs[0].type.shape == shape
        after = all(user is not kernel.anchor and user not in kernel.before for user in users)
        return after and kernel.anchor.type.shape == shape

    def _prepares(self, kernel: Kernel, users: list[Node]) -> bool:
        """True if all these users lie before the anchor, or are the anchor itself."""
        anchor = kernel.anchor
        if anchor is None or not self.precedes(anchor):
            return False
        return all(
            user in kernel.before or (user is anchor and len(anchor.inputs) == 1) for user in users
        )

    def _enter(self, kernel: Kernel, chain: list[Node]) -> None:
        users = [user for user in self.users[chain[-1]] if user in kernel.nodes]
        prepares = kernel.anchor is not None and self._prepares(kernel, users)
        for node in chain:
            if node not in kernel.nodes:
                kernel.nodes.append(node)
            if prepares:
                kernel.before.add(node)
        kernel.nodes.sort(key=lambda node: node.number)
