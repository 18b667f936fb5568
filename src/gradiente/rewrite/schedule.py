"""Fusion: which operations run in one kernel, and in what order the kernels run.

Three kinds of kernels are formed, in this order; whatever is left is a kernel by itself:

rows      reductions over the last axis with the elementwise operations around them, such as a
          softmax with its loss and its gradient: done row by row while the row is in the cache
anchored  a matrix product or a reduction with the elementwise operations that follow it (and, for a
          reduction, those that only prepare its input)
loops     elementwise operations of one shape

An operation joins a kernel only if nothing it needs comes after that kernel. Every kernel gets a
*stage*, greater than those of the kernels it needs. Elementwise operations that are left wait for
the last stage at which somebody needs them, so that what is computed early is not kept for long.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gradiente.base.errors import InvalidGraphError
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.rewrite.pipeline import is_skipped
from gradiente.rewrite.rows import RowMembers, is_row_seed

Needs = dict[Node, list[Node]]


@dataclass(eq=False)
class Kernel:
    """Operations that run together, in order.

    anchor: the operation the others follow, or, if they are in `before`, precede.
    rows: what each node is in a kernel that goes row by row.
    """

    stage: int = 0
    nodes: list[Node] = field(default_factory=list)
    anchor: Node | None = None
    before: set[Node] = field(default_factory=set)
    rows: RowMembers | None = None

    @property
    def is_elementwise(self) -> bool:
        """True for a loop over elements."""
        return self.anchor is None and self.rows is None and is_elementwise(self.nodes[0])


@dataclass(frozen=True)
class Fusion:
    """What a backend can do in one kernel.

    follows: operations that elementwise operations can follow in the same kernel; precedes: those
    whose input they can prepare; by_rows: whether it can go row by row.
    ends_together: whether kernels whose results nobody needs before the end run in the last stage:
    those before it may then not have to wait for anybody.
    """

    follows: Callable[[Node], bool] = lambda node: False
    precedes: Callable[[Node], bool] = lambda node: False
    by_rows: bool = False
    ends_together: bool = False


def is_elementwise(node: Node) -> bool:
    """True for operations that compute each element from those at the same place."""
    return node.operation is not None and node.operation.family == "elementwise"


def schedule(
    graph: Graph,
    views: Iterable[Node] = (),
    after: Mapping[Node, Iterable[Node]] | None = None,
    fusion: Fusion | None = None,
) -> list[Kernel]:
    """The kernels of a graph in an order in which each follows what it needs.

    views: nodes that are only another way of looking at their input, and cost nothing.
    after: nodes that must be computed after others have been, for reasons the graph does not show
    (they overwrite what those read).
    """
    scheduler = _Scheduler(graph, set(views), after or {}, fusion or Fusion())
    scheduler.by_rows()
    scheduler.anchored()
    scheduler.alone()
    return scheduler.kernels()


class _Scheduler:
    """Kernels being formed. kernel: of each node that has one already."""

    def __init__(
        self,
        graph: Graph,
        views: set[Node],
        after: Mapping[Node, Iterable[Node]],
        fusion: Fusion,
    ):
        self.views, self.fusion, self.after = views, fusion, after
        self.writers: Needs = {}  # the reverse: who must wait for a node, besides its users
        for node, earlier in after.items():
            for item in earlier:
                self.writers.setdefault(item, []).append(node)
        self.outputs = set(graph.outputs)
        steps = list(graph.steps)
        self.users: Needs = {}
        for node in steps:
            for item in node.inputs:
                self.users.setdefault(item, []).append(node)
        computed = {node for node in steps if node not in views}
        needs: Needs = {}
        for node in steps:
            wanted = [*node.inputs, *after.get(node, ())]
            bases = (base for item in wanted for base in self._behind(item))
            needs[node] = [item for item in dict.fromkeys(bases) if item in computed]
        self.needs = {node: needs[node] for node in steps if node in computed}
        self.order = _order(list(self.needs), self.needs)
        self.position = {node: number for number, node in enumerate(self.order)}
        self.of_shape: dict[tuple[int, ...], list[Node]] = {}  # elementwise operations, in order
        for node in filter(is_elementwise, self.order):
            self.of_shape.setdefault(node.type.shape, []).append(node)
        self.kernel: dict[Node, Kernel] = {}
        self.loops = not is_skipped("loops")

    def base(self, node: Node) -> Node:
        """What a view looks at."""
        while node in self.views:
            node = node.inputs[0]
        return node

    def _behind(self, node: Node) -> Iterator[Node]:
        """What a view looks at, and what else it waits for."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node in self.views:
                waiting.extend(reversed(node.inputs))
            else:
                yield node

    def _between(self, shape: tuple[int, ...], start: int, stop: int) -> list[Node]:
        """The elementwise operations of a shape at these places of the order."""
        known = self.of_shape.get(shape, [])
        first, last = (
            bisect_left(known, at, key=self.position.__getitem__) for at in (start, stop)
        )
        return known[first:last]

    def is_free(self, node: Node) -> bool:
        """True for an elementwise operation that has no kernel yet."""
        return is_elementwise(node) and node not in self.kernel and node in self.needs

    def depends(self, nodes: Iterable[Node], kernel: Kernel) -> bool:
        """True if one of the nodes is in the kernel, or comes after it in any way."""
        inside = set(kernel.nodes)
        first = min(self.position[node] for node in inside)
        seen: set[Node] = set()
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node in inside:
                return True
            if node in seen or node not in self.needs:
                continue
            other = self.kernel.get(node)
            if other is None and self.position[node] < first:
                continue
            for member in other.nodes if other else (node,):
                seen.add(member)
                waiting.extend(self.needs[member])
        return False

    def _destroys(self, node: Node, kernel: Kernel) -> bool:
        """True if the node or the kernel would overwrite what the other may still have to read.

        A loop that reads the same element before it stores one is harmless; where rows are gone
        through several times, even that is not.
        """

        if node not in self.after and node not in self.writers:
            return False

        def harms(writer: Node, reader: Node) -> bool:
            same_place = is_elementwise(reader) and reader.type.shape == writer.type.shape
            harmless = same_place and kernel.rows is None
            return reader in self.after.get(writer, ()) and not harmless

        return any(harms(node, other) or harms(other, node) for other in kernel.nodes)

    def _can_gather(self, node: Node, kernel: Kernel) -> bool:
        """True if a node, all of whose users are in the kernel, can be computed there too.

        Not if something else has to wait for it that the kernel waits for.
        """
        inside = set(kernel.nodes)
        outer = [item for one in kernel.nodes for item in self.needs[one] if item not in inside]
        waiting = [writer for writer in self.writers.get(node, ()) if writer not in inside]
        return not self._destroys(node, kernel) and not any(
            self.depends(outer, Kernel(nodes=self._members(writer))) for writer in waiting
        )

    def _through_views(self, node: Node) -> set[Node]:
        """What a node looks at by views, and so at other places than its own."""
        return {self.base(item) for item in node.inputs if item in self.views}

    def _enter(self, kernel: Kernel) -> None:
        kernel.nodes.sort(key=lambda node: self.position[node])
        for node in kernel.nodes:
            self.kernel[node] = kernel

    # -- kernels that go row by row ----------------------------------------------------------------

    def by_rows(self) -> None:
        """Groups of reductions over the last axis with what lies between them."""
        if not self.fusion.by_rows or is_skipped("rows"):
            return
        for seed in self.order:
            if seed not in self.kernel and is_row_seed(seed):
                members = RowMembers(seed, self.views)
                kernel = Kernel(nodes=[seed], rows=members)
                self._extend_rows(kernel, members)
                if members.worthwhile(kernel.nodes):
                    self._enter(kernel)

    def _extend_rows(self, kernel: Kernel, members: RowMembers) -> None:
        """What follows the first reduction row by row, then what only these operations need."""
        inside = set(kernel.nodes)
        for node in self.order[self.position[kernel.nodes[0]] + 1 :]:
            if node in self.kernel or not members.fits(node):
                continue
            inner = {
                item
                for item in node.inputs
                if members.aligned(node, item) and members.source(item) in inside
            }
            known = {self.base(item) for item in inner}
            outer = [item for item in self.needs[node] if item not in known]
            outer += [self.base(item) for item in node.inputs if item not in inner]
            possible = inner and not self._destroys(node, kernel)
            if possible and not self.depends(outer, kernel):
                inside.add(node)
                kernel.nodes.append(node)
        for node in reversed(self.order):
            wanted = self.is_free(node) and node not in inside and node not in self.outputs
            fits = wanted and members.fits(node)
            fits = fits and members.are_users_inside(node, self.users, inside)
            if fits and self._can_gather(node, kernel):
                inside.add(node)
                kernel.nodes.append(node)

    # -- kernels around one operation --------------------------------------------------------------

    def anchored(self) -> None:
        """Products and reductions, the last first: what only they need is theirs."""
        follow, prepare = not is_skipped("follow"), not is_skipped("prepare")
        for anchor in reversed(self.order):
            if anchor not in self.kernel and self.fusion.follows(anchor):
                kernel = Kernel(nodes=[anchor], anchor=anchor)
                if follow:
                    self._follow(kernel, anchor)
                if prepare and self.fusion.precedes(anchor):
                    self._prepare(kernel, anchor)
                self._enter(kernel)

    def _follow(self, kernel: Kernel, anchor: Node) -> None:
        """Elementwise operations on the result, and those that only they need."""
        inside = {anchor}
        for node in self._between(anchor.type.shape, self.position[anchor] + 1, len(self.order)):
            if not self.is_free(node):
                continue
            outer = [item for item in self.needs[node] if item not in inside]
            if self._through_views(node) & inside or self._destroys(node, kernel):
                continue
            if any(item in inside for item in node.inputs) and not self.depends(outer, kernel):
                inside.add(node)
                kernel.nodes.append(node)
        self._gather(kernel, inside, inside - {anchor}, anchor.type.shape)

    def _prepare(self, kernel: Kernel, anchor: Node) -> None:
        """Elementwise operations that only prepare the input of a reduction."""
        source = anchor.inputs[0]
        ready = self.is_free(source) and self._can_gather(source, kernel)
        if ready and source not in self.outputs and self.users[source] == [anchor]:
            known = set(kernel.nodes)
            kernel.nodes.append(source)
            self._gather(kernel, {source}, {source}, source.type.shape)
            kernel.before = set(kernel.nodes) - known

    def _gather(
        self, kernel: Kernel, inside: set[Node], users: set[Node], shape: tuple[int, ...]
    ) -> None:
        """Elementwise operations of a shape whose users are all among the given ones."""
        users = set(users)
        if not users:
            return
        latest = max(self.position[node] for node in users)
        for node in reversed(self._between(shape, 0, latest)):
            mine = self.users.get(node, [])
            if (
                self.is_free(node)
                and node not in inside
                and node not in self.outputs
                and mine
                and all(user in users for user in mine)
                and self._can_gather(node, kernel)
            ):
                users.add(node)
                kernel.nodes.append(node)

    # -- what is left ------------------------------------------------------------------------------

    def alone(self) -> None:
        """Operations that are neither elementwise nor in a kernel."""
        for node in self.order:
            if node not in self.kernel and not is_elementwise(node):
                self._enter(Kernel(nodes=[node]))

    def kernels(self) -> list[Kernel]:
        """All kernels, by stage; elementwise operations of one shape and one stage are one."""
        stages = self._stages()
        for kernel in {id(k): k for k in self.kernel.values()}.values():
            kernel.stage = stages[kernel.nodes[0]]
        groups: dict[object, Kernel] = {}
        for node in self.order:
            if node in self.kernel:
                groups.setdefault(id(self.kernel[node]), self.kernel[node])
            else:
                key = (stages[node], node.type.shape) if self.loops else node
                groups.setdefault(key, Kernel(stages[node])).nodes.append(node)
        return sorted(groups.values(), key=lambda kernel: kernel.stage)

    def _members(self, node: Node) -> list[Node]:
        return self.kernel[node].nodes if node in self.kernel else [node]

    def _step(self, producer: Node, consumer: Node) -> int:
        """How much the stage grows along an edge."""
        free = self.loops and self.is_free(producer) and self.is_free(consumer)
        together = free and producer.type.shape == consumer.type.shape
        together = together and producer not in self._through_views(consumer)
        return 0 if together and producer in consumer.inputs else 1

    def _stages(self) -> dict[Node, int]:
        order = self._order_of_kernels()
        stages: dict[Node, int] = {}
        for node in order:
            members = self._members(node)
            inside = set(members)
            known = [
                stages[item] + self._step(item, member)
                for member in members
                for item in self.needs[member]
                if item not in inside
            ]
            stages.update(dict.fromkeys(members, max(known, default=1)))
        self._postpone(order, stages)
        if self.fusion.ends_together:
            self._end_together(stages)
        return stages

    def _end_together(self, stages: dict[Node, int]) -> None:
        """Move kernels that no other comes after into the last stage."""
        last = max(stages.values(), default=0)
        followers: Needs = {}
        for node, needs in self.needs.items():
            for item in needs:
                followers.setdefault(item, []).append(node)
        for node in self.order:
            inside = set(self._members(node))
            if all(user in inside for member in inside for user in followers.get(member, ())):
                stages[node] = last

    def _order_of_kernels(self) -> list[Node]:
        """One node of each kernel, so that each follows all its kernel needs."""
        first = {node: self._members(node)[0] for node in self.order}
        heads = list(dict.fromkeys(first[node] for node in self.order))
        needs = {
            head: [
                first[item]
                for member in self._members(head)
                for item in self.needs[member]
                if first[item] is not head
            ]
            for head in heads
        }
        return _order(heads, needs)

    def _postpone(self, order: list[Node], stages: dict[Node, int]) -> None:
        """Move elementwise nodes that are left to the last stage their users allow."""
        latest: dict[Node, int] = {}
        for head in reversed(order):
            if head in latest and head not in self.outputs and self.is_free(head):
                stages[head] = max(stages[head], latest[head])
            for member in self._members(head):
                for item in self.needs[member]:
                    allowed = stages[head] - self._step(item, member)
                    latest[item] = min(latest.get(item, allowed), allowed)


def _order(steps: list[Node], needs: Needs) -> list[Node]:
    """The nodes so that each follows all it needs; their own order where nothing else is asked."""
    begun: set[Node] = set()
    done: set[Node] = set()
    order: list[Node] = []
    waiting = list(reversed(steps))
    while waiting:
        node = waiting[-1]
        missing = [item for item in needs[node] if item not in done]
        if node in done:
            waiting.pop()
        elif missing and node in begun:
            raise InvalidGraphError(f"{node!r} waits for what waits for it.")
        elif missing:
            begun.add(node)
            waiting.extend(missing)
        else:
            done.add(node)
            order.append(waiting.pop())
    return order
