"""The body of a loop, what is kept of its rounds, and the loop that is its gradient.

The gradient runs through the rounds backwards. It needs the carries each round began with, which
the loop returns beside what it was asked for. Of what a round computes only its matrix products
are kept; the rest is computed again, which costs less than reading it from memory.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.batching.replay import Replay, Samples
from gradiente.gradient.reverse import backward
from gradiente.gradient.total import total
from gradiente.graph.evaluate import run
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.graph.walk import between, reachable
from gradiente.ops import scan as table
from gradiente.ops.contract import matmul
from gradiente.ops.elementwise import add
from gradiente.ops.identity import identity
from gradiente.ops.reduce import sum_
from gradiente.ops.shape import broadcast_to, concatenate, pad, transpose
from gradiente.trace.functions import Tensor, bind, m
from gradiente.trace.tensor import constant

INSIDE = 1  # elements of a constant that is written into the body


@dataclass(eq=False)
class Loop:
    """The body of a scan as a graph: (*carries, *slices, *fixed) -> (*carries, *results)."""

    graph: Graph
    carries: int
    slices: int
    kept: tuple[Node, ...] = ()  # what the last results are, which only the gradient needs

    @property
    def outputs(self) -> list[ArrayType]:
        """The types of the carries and of the results of one round."""
        return [node.type for node in self.graph.outputs]

    def __call__(self, *arrays: Any) -> list[np.ndarray]:
        """One round, by NumPy."""
        values = dict(zip(self.graph.inputs, map(np.asarray, arrays), strict=True))
        for node in self.graph.nodes:
            if node not in values:
                own = node.operation is None
                given = [] if own else [values[item] for item in node.inputs]
                values[node] = np.asarray(node.value) if own else run(node, given)
        return [np.asarray(values[node]) for node in self.graph.outputs]

    def pullback(
        self, m: Any, g: Any, y: Any, inputs: tuple[Any, ...], length: int, reverse: bool
    ) -> list[Any]:
        """The gradients of a whole loop by its inputs: another loop, the other way round."""
        return _Backward(self, g, y, inputs, length, reverse).gradients()

    def replayed(self, inputs: tuple[Samples, ...], length: int, reverse: bool) -> Samples:
        """The value of the whole loop on other inputs: all samples go through the rounds together.

        Their axis comes first in a round. What is the same in all rounds may be looked at by the
        body as it is outside.
        """
        replay, moving = inputs[0].replay, self.carries + self.slices
        mapped = any(each.mapped for each in inputs)
        carried = [each.each if mapped else each.tensor for each in inputs[: self.carries]]
        sliced = [_rounds_first(each) for each in inputs[self.carries : moving]]
        types = [*(x.type for x in carried), *(_slice_type(x.type) for x in sliced)]
        nodes = [Node(None, (), {}, kind) for kind in types]
        flags = [mapped] * self.carries + [each.mapped for each in inputs[self.carries :]]
        own = [*map(Tensor, nodes), *(each.tensor for each in inputs[moving:])]
        known = zip(self.graph.inputs, zip(own, flags, strict=True), strict=True)
        inner = Replay(replay.size, dict(known))

        def again(node: Node) -> Node:
            found = inner.of(node)
            return (found.each if mapped else found.tensor).node

        outputs, kept = list(map(again, self.graph.outputs)), tuple(map(again, self.kept))
        fixed = _from_around(nodes, outputs)
        graph = Graph(self.graph.name, (*nodes, *fixed), tuple(outputs))
        loop = Loop(graph, self.carries, self.slices, kept)
        given = [*carried, *sliced, *map(Tensor, fixed)]
        packed = bind(table.scan, *given, body=loop, length=length, reverse=reverse)
        if mapped:
            one, every = table.parts_of(self, length), table.parts_of(loop, length)
            packed = _by_sample(packed, self.carries, one, every)
        return Samples(packed, mapped, replay)


def _rounds_first(x: Samples) -> Tensor:
    moved: Tensor = m.moveaxis(x.tensor, 0, 1) if x.mapped else x.tensor
    return moved


def _slice_type(kind: ArrayType) -> ArrayType:
    return ArrayType(kind.shape[1:], kind.dtype)


def make_loop(
    inputs: Sequence[Node], carries: int, outputs: list[Node], recompute: bool = False
) -> tuple[Loop, list[Node]]:
    """The body, which also returns what its gradient needs, and what it uses from around it."""
    kept = _kept(inputs, carries, outputs, recompute)
    copies = [Node(identity, (node,), {}, node.type) if node in inputs else node for node in kept]
    every = [*outputs, *copies]
    fixed = _from_around(inputs, every)
    graph = Graph("body", (*inputs, *fixed), tuple(every))
    return Loop(graph, carries, len(inputs) - carries, tuple(kept)), fixed


def _kept(inputs: Sequence[Node], carries: int, outputs: list[Node], recompute: bool) -> list[Node]:
    """The carries before a round, and the products in it, that its gradient depends on.

    Where something is added to a product, the sum is kept: it costs no more.
    """
    seeds = [Tensor(Node(None, (), {}, node.type)) for node in outputs]
    sources = [node for node in (*inputs, *_from_around(inputs, outputs)) if node.type.is_floating]
    found = backward(outputs, seeds, sources)
    inside = between(set(inputs), outputs)
    dtype = outputs[0].type.dtype
    found_in_it = [n for n in inside if n.operation is matmul and n.type.dtype == dtype]
    products = set() if recompute else {_with_sums(node, inside) for node in found_in_it}
    gradients = [tensor.node for tensor in found if tensor is not None]
    needed = set(reachable(gradients, stop=lambda node: node in products or node in inputs))
    before = [node for node in inputs[:carries] if node in needed]
    return before + sorted(products & needed, key=lambda node: node.number)


def _with_sums(product: Node, inside: Iterable[Node]) -> Node:
    """A product with what is added to it, as long as nothing else needs it without."""
    users = [node for node in inside if product in node.inputs]
    while len(users) == 1 and users[0].operation is add and users[0].type == product.type:
        product = users[0]
        users = [node for node in inside if product in node.inputs]
    return product


def _from_around(inputs: Sequence[Node], outputs: list[Node]) -> list[Node]:
    """The values a body uses that do not change from round to round, but for small constants."""
    given = set(inputs)
    inside = between(given, outputs) | given
    return [
        node
        for node in reachable(outputs, stop=lambda node: node in given or node not in inside)
        if node not in inside and not (node.is_constant and node.type.size <= INSIDE)
    ]


def part_of(packed: Any, parts: table.Parts, number: int) -> Any:
    """One of the results of a loop, in its shape."""
    shape, start = parts.shapes[number], parts.starts[number]
    return m.reshape(packed[start : start + math.prod(shape)], shape)


def _by_sample(packed: Tensor, carries: int, one: table.Parts, every: table.Parts) -> Tensor:
    """What a loop of all samples returned, for each of them packed as for a single one."""
    pieces, ends = [], [*one.starts[1:], one.size]
    for number, (shape, start, end) in enumerate(zip(one.shapes, one.starts, ends, strict=True)):
        part = part_of(packed, every, number)
        part = part if number < carries else m.moveaxis(part, 1, 0)
        size, length = part.shape[0], math.prod(shape)
        pieces.append(m.reshape(part, (size, length)))
        if start + length < end:
            pieces.append(np.zeros((size, end - start - length), part.dtype))
    joined: Tensor = m.concatenate(pieces, axis=1)
    return joined


def _piece(packed: Tensor, parts: table.Parts, number: int) -> Tensor:
    """One part of a packed gradient: that which was padded, if there is just that."""
    start, shape = parts.starts[number], parts.shapes[number]
    places = _pieces(packed.node)
    if (start, math.prod(shape)) in places:
        return m.reshape(Tensor(places[start, math.prod(shape)]), shape)
    return part_of(packed, parts, number)


def _pieces(packed: Node) -> dict[tuple[int, int], Node]:
    """The pieces a packed gradient was put together from: (start, length) of each."""
    if packed.operation is pad:
        (start,), inside = packed.params["before"], packed.inputs[0]
        return {(start, inside.type.size): inside}
    pieces, start = {}, 0
    for piece in packed.inputs if packed.operation is concatenate else ():
        pieces[start, piece.type.size] = piece
        start += piece.type.size
    return pieces


class _Backward:
    """The gradient of a loop: the other way round, from the gradients of what it returned."""

    def __init__(
        self, loop: Loop, g: Any, y: Any, inputs: tuple[Any, ...], length: int, reverse: bool
    ):
        self.loop, self.g, self.y, self.inputs = loop, g, y, inputs
        self.length, self.reverse = length, reverse
        self.parts = table.parts_of(loop, length)
        graph = loop.graph
        self.touched = _touched(g.node, self.parts)
        self.seeds = [Node(None, (), {}, node.type) for node in graph.outputs]
        places = [
            place
            for place in range(len(graph.outputs))
            if place < loop.carries or place in self.touched
        ]
        self.seeded = places[loop.carries :]
        self.sources = [node for node in graph.inputs if node.type.is_floating]
        found = backward(
            [graph.outputs[place] for place in places],
            [Tensor(self.seeds[place]) for place in places],
            self.sources,
        )
        self.found = {
            node: None if tensor is None else tensor.node
            for node, tensor in zip(self.sources, found, strict=True)
        }

    def gradients(self) -> list[Any]:
        """One for each input of the loop."""
        loop, graph = self.loop, self.loop.graph
        carried, sliced = graph.inputs[: loop.carries], graph.inputs[loop.carries :][: loop.slices]
        fixed = [n for n in graph.inputs[loop.carries + loop.slices :] if self.found.get(n)]
        sums = {node: _Sum.of(self._one(node), sliced) for node in fixed}
        totals = {node: Node(None, (), {}, node.type) for node in fixed if sums[node].rest}
        moving = [node for node in sliced if self.found.get(node)]
        given = {*sliced, *loop.kept}
        wanted = dict.fromkeys(node for each in sums.values() for node in each.columns)
        columns = [x for x in wanted if x not in given and x not in map(self._one, moving)]
        outputs = [self.found[node] or _zeros(node.type) for node in carried]
        outputs += [_added(before, sums[node].rest) for node, before in totals.items()]
        outputs += [self._one(node) for node in moving] + columns
        kept = list(loop.kept)
        seeds = [self.seeds[place] for place in self.seeded]
        inputs = [*self.seeds[: loop.carries], *totals.values(), *sliced, *kept, *seeds]
        backwards, around = make_loop(inputs, loop.carries + len(totals), outputs)
        known = dict(zip(graph.inputs, self.inputs, strict=True))
        packed = bind(
            table.scan,
            *(self._seed(place) for place in range(loop.carries)),
            *(np.zeros(node.type.shape, node.type.dtype) for node in totals),
            *(known[node] for node in sliced),
            *self._kept(),
            *(self._seed(place) for place in self.seeded),
            *(known[node] if node in known else Tensor(node) for node in around),
            body=backwards,
            length=self.length,
            reverse=not self.reverse,
        )
        parts = table.parts_of(backwards, self.length)
        values = [part_of(packed, parts, number) for number in range(len(outputs))]
        results = dict(zip((*carried, *totals, *moving), values, strict=False))
        stacked = dict(zip(columns, values[len(results) :], strict=True))
        stacked |= {self._one(node): results[node] for node in moving}
        stacked |= {node: known[node] for node in sliced}
        stacked |= dict(zip(loop.kept, self._kept(), strict=True))
        for node in fixed:
            terms = sums[node].all_at_once(stacked)
            results[node] = total([*([results[node]] if node in results else []), *terms])
        return [results.get(node) for node in graph.inputs]

    def _one(self, node: Node) -> Node:
        gradient = self.found[node]
        assert gradient is not None
        return gradient

    def _seed(self, place: int) -> Any:
        """The gradient of one of the results."""
        if place in self.touched:
            return _piece(self.g, self.parts, place)
        kind = self.loop.outputs[place]
        return np.zeros(kind.shape, kind.dtype)

    def _kept(self) -> list[Any]:
        first = len(self.loop.outputs) - len(self.loop.kept)
        return [part_of(self.y, self.parts, first + i) for i in range(len(self.loop.kept))]


@dataclass
class _Sum:
    """The gradient of what is the same in all rounds: a sum over the rounds.

    products: pairs (a, b) of which aᵀ b is added: all rounds at once make one product of matrices.
    rows: arrays whose rows are added up, also all rounds at once.
    rest: what is added up round by round.
    """

    products: list[tuple[Node, Node]]
    rows: list[Node]
    rest: list[Node]

    @classmethod
    def of(cls, node: Node, sliced: Sequence[Node]) -> "_Sum":
        """The terms of a gradient."""
        products, rows, rest = [], [], []
        for term in _terms(node):
            first = term.inputs[0]
            is_product = term.operation is matmul and first.type.ndim == term.type.ndim == 2
            if is_product and first.operation is transpose:
                products.append((first.inputs[0], term.inputs[1]))
            elif term.operation is sum_ and term.params["axes"] == (0,):
                rows.append(first)
            else:
                rest.append(term)
        return cls(products, rows, rest)

    @property
    def columns(self) -> list[Node]:
        """What is needed of all rounds."""
        return [*self.rows, *(node for pair in self.products for node in pair)]

    def all_at_once(self, stacked: dict[Node, Any]) -> list[Any]:
        """The terms that need no loop, from the values of all rounds."""
        sums = [m.sum(stacked[node], axis=(0, 1)) for node in self.rows]
        return sums + [_all_at_once(stacked[a], stacked[b]) for a, b in self.products]


def _terms(node: Node) -> list[Node]:
    if node.operation is not add:
        return [node]
    return [term for item in node.inputs for term in _terms(item)]


def _added(before: Node, terms: list[Node]) -> Node:
    return total([Tensor(before), *map(Tensor, terms)]).node


def _all_at_once(a: Any, b: Any) -> Any:
    """Σₜ aₜᵀ bₜ for (rounds, rows, k) and (rounds, rows, n): one product of shape (k, n)."""
    a, b = (m.reshape(x, (x.shape[0] * x.shape[1], x.shape[2])) for x in (a, b))
    return m.matmul(m.transpose(a), b)


def _zeros(kind: ArrayType) -> Node:
    return constant(np.zeros(kind.shape, kind.dtype))


def _touched(packed: Node, parts: table.Parts) -> set[int]:
    """Which parts of a packed gradient can be other than zero."""
    pieces = {place: node for place, node in _pieces(packed).items() if not _is_zero(node)}
    return {
        number
        for number, (start, shape) in enumerate(zip(parts.starts, parts.shapes, strict=True))
        if packed.operation not in (pad, concatenate)
        or any(start < at + n and at < start + math.prod(shape) for at, n in pieces)
    }


def _is_zero(node: Node) -> bool:
    """True for zeros repeated to some shape."""
    while node.operation is broadcast_to:
        node = node.inputs[0]
    return node.is_constant and not np.any(node.value)
