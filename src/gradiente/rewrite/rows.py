"""What can be computed row by row: reductions over the last axis and what lies around them.

All operations of such a group look at the same rows. Each is one of
  full     an element for each place of the row,
  single   one number for the row,
  reduced  a reduction of a full operation to a number,
  chosen   the element of a full operation at a place given by a number.
"""

from collections.abc import Iterable

from gradiente.graph.node import Node
from gradiente.ops import index, reduce, shape

REDUCTIONS = (reduce.sum_, reduce.max_, reduce.min_)

Users = dict[Node, list[Node]]


def is_row_seed(node: Node) -> bool:
    """True for a reduction of the last axis alone of an array of several axes."""
    if node.operation not in REDUCTIONS:
        return False
    source = node.inputs[0].type.shape
    last = len(source) - 1
    return last > 0 and node.params["axes"] == (last,) and source[-1] > 1 and 0 not in source


class RowMembers:
    """The rows of a group: those of the input of its first reduction."""

    def __init__(self, seed: Node, views: set[Node]):
        self.views = views
        self.full = seed.inputs[0].type.shape
        self.rows = self.full[:-1]

    def is_full(self, node: Node) -> bool:
        """True for an element at each place of each row; rows of length 1 are single numbers."""
        return node.type.shape == self.full

    def is_single(self, node: Node) -> bool:
        """True for one number for each row."""
        return node.type.shape in (self.rows, (*self.rows, 1)) and not self.is_full(node)

    def source(self, node: Node) -> Node:
        """The number of a row under any of its two shapes, (rows) and (rows, 1)."""
        while node in self.views and node.operation is shape.reshape and self.is_single(node):
            if not self.is_single(node.inputs[0]):
                break
            node = node.inputs[0]
        return node

    def fits(self, node: Node) -> bool:
        """True for an operation that can be computed row by row."""
        assert node.operation is not None
        if node.operation.family == "elementwise":
            if self.is_full(node):
                return all(self._is_readable(item) for item in node.inputs)
            return self.is_single(node) and all(
                self.is_single(item) or item.type.size == 1 for item in node.inputs
            )
        if self.is_chosen(node):
            return True
        last = (len(self.full) - 1,)
        return (
            node.operation in REDUCTIONS
            and self.is_full(node.inputs[0])
            and node.params["axes"] == last
        )

    def _is_readable(self, node: Node) -> bool:
        """Full, single, or without rows: broadcast along them."""
        if self.is_full(node) or node.type.size == 1:
            return True
        if node.type.shape == (*self.rows, 1):
            return True
        return node.type.ndim <= 1 or all(length == 1 for length in node.type.shape[:-1])

    def is_chosen(self, node: Node) -> bool:
        """True for the element of each row at one place."""
        if node.operation is not index.take_along_axis:
            return False
        places = node.inputs[1]
        return (
            self.is_full(node.inputs[0])
            and node.params["axis"] == len(self.full) - 1
            and places.type.shape == (*self.rows, 1)
            and not self.is_full(places)
        )

    def aligned(self, node: Node, item: Node) -> bool:
        """True if an input is used row by row: not as a number for each place of all rows."""
        if self.is_full(node) and not self.is_full(item):
            return item.type.shape == (*self.rows, 1)
        return self.is_full(item) or self.is_single(item)

    def are_users_inside(self, node: Node, users: Users, inside: set[Node]) -> bool:
        """True if all that use a node, directly or under its other shape, do so row by row."""
        mine = users.get(node, [])
        return bool(mine) and all(
            self.are_users_inside(user, users, inside)
            if self.source(user) is not user
            else user in inside and self.aligned(user, node)
            for user in mine
        )

    def worthwhile(self, nodes: Iterable[Node]) -> bool:
        """True if a row is looked at more than once: a reduction, and something that needs it."""
        nodes = list(nodes)
        reductions = [node for node in nodes if node.operation in REDUCTIONS]
        after = [node for node in nodes if self.is_full(node) and self._uses(node, reductions)]
        return len(reductions) > 1 or bool(after)

    def _uses(self, node: Node, reductions: list[Node]) -> bool:
        return any(self.source(item) in reductions for item in node.inputs)
