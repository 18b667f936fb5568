"""A graph for a batch of many rows changed so that it also serves a batch of fewer.

The smaller batch is filled up by repeating its own rows. Then only what combines rows has to know
where the valid ones end: there the others are masked. Numbers that depend on the size of the batch,
as the count of a mean, become inputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops import contract, elementwise, random, shape
from gradiente.rewrite.correspondence import (
    batch_axes,
    begins_with,
    correspondence,
    seen_through,
    the_number,
)
from gradiente.rewrite.rebuild import with_inputs
from gradiente.rewrite.row_rules import Case, Mask, masks_of, neutral

Values = tuple[np.ndarray, ...]
BatchAxes = dict[Node, dict[int, int]]  # of each node: the axes, and the places there of each row


@dataclass(frozen=True)
class Changes:
    """What has to be changed in a graph; equal where one changed graph serves both.

    masks: of which inputs of a node the rows are masked, along which axes.
    numbers: for each constant that depends on the size of the batch, which of the given numbers.
    places: for each kind of mask, how many places each row of the batch has.
    full, fewer: the numbers for the full batch, and for that of fewer rows.
    """

    masks: Mapping[Node, tuple[Mask, ...]]
    numbers: Mapping[Node, int]
    places: tuple[int, ...]
    axes: BatchAxes
    rows: int
    full: Values = field(compare=False)
    fewer: Values = field(compare=False)
    fewer_rows: int = field(compare=False)

    def extras(self, rows: int) -> list[np.ndarray]:
        """What the changed graph is given besides: the numbers, and which places are valid."""
        numbers = self.fewer if rows == self.fewer_rows else self.full
        return [*numbers, *(np.arange(self.rows * n) < rows * n for n in self.places)]


def changes(full: Graph, fewer: Graph, states: int) -> Changes | None:
    """How `full` has to be changed to compute what `fewer` does; `None` if that is not known.

    Both are traces of one step, without composite operations, in which the first axis of each
    input after the first `states` ones is that of the batch.
    """
    rows, less = (graph.inputs[states].type.shape[0] for graph in (full, fewer))
    pairs = correspondence(full, fewer)
    if pairs is None or less >= rows:
        return None
    axes: BatchAxes = {}
    for node, other in pairs.items():
        lengths = batch_axes(node, other, rows, less)
        if lengths is None:
            return None
        axes[node] = lengths
    batch = set(full.inputs[states:])
    if any(axes[node] != ({0: 1} if node in batch else {}) for node in full.inputs):
        return None
    if any(axes[seen_through(node)] for node in full.outputs):
        return None
    ordered = {node: pairs[node] for node in sorted(pairs, key=lambda node: node.number)}
    numbers, values = _numbers(ordered)
    masks = None if numbers is None else _masks(full, ordered, axes)
    if numbers is None or masks is None:
        return None
    return Changes(
        masks,
        numbers,
        _places(masks, axes),
        axes,
        rows,
        tuple(value for value, _ in values),
        tuple(value for _, value in values),
        less,
    )


def _places(masks: Mapping[Node, tuple[Mask, ...]], axes: BatchAxes) -> tuple[int, ...]:
    """How many places each row has where something is masked: all numbers there are."""
    found = set()
    for node, mine in masks.items():
        for position, axis in mine:
            item = seen_through(node.inputs[position])
            places: tuple[int, ...] = (axis,)
            while (before := _before(item, places, axes))[0] is not item:
                item, places = before
            found |= {axes[item][place] for place in places}
    return tuple(sorted(found))


def _numbers(
    pairs: Mapping[Node, Node],
) -> tuple[dict[Node, int] | None, list[tuple[np.ndarray, np.ndarray]]]:
    """The constants that depend on the size of the batch, and the numbers that they are.

    No constants at all if there is one that is not made of a single number.
    """
    known: dict[tuple[np.dtype, bytes, bytes], int] = {}
    values: list[tuple[np.ndarray, np.ndarray]] = []
    numbers: dict[Node, int] = {}
    for node, other in pairs.items():
        if not node.is_constant or begins_with(node, other):
            continue
        ours, theirs = the_number(node), the_number(other)
        if ours is None or theirs is None:
            return None, []
        key = (ours.dtype, ours.tobytes(), theirs.tobytes())
        if key not in known:
            known[key] = len(values)
            values.append((ours, theirs))
        numbers[node] = known[key]
    return numbers, values


def _masks(
    graph: Graph, pairs: Mapping[Node, Node], axes: BatchAxes
) -> dict[Node, tuple[Mask, ...]] | None:
    """The masks of all nodes that need some; `None` if a node is not allowed."""
    given = set(graph.inputs)
    masks: dict[Node, tuple[Mask, ...]] = {}
    strange: set[Node] = set()  # whose further rows are not copies of valid ones
    for node, other in pairs.items():
        if node in given:
            continue
        if node.operation is None:
            if axes[node] and the_number(node) is None:
                strange.add(node)
            continue
        inputs = [seen_through(item) for item in node.inputs]
        case = Case(node, other, tuple(frozenset(axes[x]) for x in inputs), frozenset(axes[node]))
        found = masks_of(case)
        if found is None:
            return None
        if found and node.operation is contract.matmul:
            found = _enough(found, inputs, strange)
        if found:
            masks[node] = found
        fresh = node.operation is random.random_bits
        if axes[node] and (fresh or any(item in strange for item in inputs)):
            strange.add(node)
    return masks


def _before(node: Node, places: tuple[int, ...], axes: BatchAxes) -> tuple[Node, tuple[int, ...]]:
    """What is transposed or reshaped, and where its axes were; anything else is left as it is."""
    if node.operation is shape.transpose:
        return seen_through(node.inputs[0]), tuple(node.params["axes"][axis] for axis in places)
    if node.operation is shape.reshape:
        inner = seen_through(node.inputs[0])
        return inner, tuple(axes[inner])
    return node, places


def _enough(masks: tuple[Mask, ...], factors: list[Node], strange: set[Node]) -> tuple[Mask, ...]:
    """Of the masks of both factors of a product those that are needed.

    Zero times a copy of a valid row is zero, unless that row has spoilt the product anyway. Rows of
    other values could be infinite, so they are masked themselves. Of two factors the one computed
    later is masked: it is the gradient, which is masked for the bias too.
    """
    unknown = tuple(mask for mask in masks if factors[mask[0]] in strange)
    return unknown or (max(masks, key=lambda mask: _computed(factors[mask[0]]).number),)


def _computed(node: Node) -> Node:
    """What a node looks at."""
    while node.operation in (shape.transpose, shape.reshape):
        node = seen_through(node.inputs[0])
    return node


def changed(graph: Graph, states: int, changes: Changes) -> Graph:
    """The graph that serves both sizes.

    Its inputs are those of the state, then `Changes.extras`, then the batch; the extras are
    outputs too, behind the state, as if they belonged to it.
    """
    extras = [
        Node(None, (), {}, ArrayType(value.shape, value.dtype), name=name)
        for name, value in zip(_names(changes), changes.extras(changes.rows), strict=True)
    ]
    writer = _Writer(changes, extras)
    for node in sorted({seen_through(n) for n in graph.nodes}, key=lambda node: node.number):
        if node in changes.axes:
            writer.write(node)
    outputs = [writer.became[seen_through(node)] for node in graph.outputs]
    return Graph(
        graph.name,
        (*graph.inputs[:states], *extras, *graph.inputs[states:]),
        (*outputs, *extras),
        (*graph.output_names, *(node.name for node in extras)),
    )


def _names(changes: Changes) -> list[str]:
    numbers = [f"batch.number{i}" for i in range(len(changes.full))]
    return [*numbers, *(f"batch.valid{places}" for places in changes.places)]


class _Writer:
    """The changed graph being written. became: what each node is there."""

    def __init__(self, changes: Changes, extras: list[Node]):
        count = len(changes.full)
        self.changes, self.numbers = changes, extras[:count]
        self.valid = dict(zip(changes.places, extras[count:], strict=True))
        self.became: dict[Node, Node] = {}
        self._masked: dict[tuple[Node, tuple[int, ...], bytes], Node] = {}

    def write(self, node: Node) -> None:
        """Write a node whose inputs have been written."""
        if node in self.changes.numbers:
            number = self.numbers[self.changes.numbers[node]]
            scalar = node.type == number.type
            self.became[node] = number if scalar else _filled(number, node)
        elif node.operation is None:
            self.became[node] = node
        else:
            self.became[node] = self._operation(node)

    def _operation(self, node: Node) -> Node:
        masks = self.changes.masks.get(node, ())
        inputs = []
        for position, item in enumerate(map(seen_through, node.inputs)):
            axes = tuple(axis for place, axis in masks if place == position)
            blank = neutral(node.operation, item.type.dtype)
            inputs.append(self._mask(item, axes, blank) if axes else self.became[item])
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        return node if same else with_inputs(node, tuple(inputs))

    def _mask(self, node: Node, axes: tuple[int, ...], blank: np.ndarray) -> Node:
        """A node whose further rows along axes are blank.

        What is transposed or reshaped is masked before: there the mask joins what computes it.
        """
        key = (node, axes, blank.tobytes())
        if key not in self._masked:
            inner, before = _before(node, axes, self.changes.axes)
            if inner is not node:
                made = with_inputs(node, (self._mask(inner, before, blank),))
            else:
                made = self.became[node]
                for axis in axes:
                    made = self._where(node, made, axis, blank)
            self._masked[key] = made
        return self._masked[key]

    def _where(self, node: Node, value: Node, axis: int, blank: np.ndarray) -> Node:
        valid = self.valid[self.changes.axes[node][axis]]
        lengths = tuple(n if i == axis else 1 for i, n in enumerate(node.type.shape))
        if valid.type.shape != lengths:
            kind = ArrayType(lengths, valid.type.dtype)
            valid = Node(shape.reshape, (valid,), {"shape": lengths}, kind, node.source)
        nothing = Node(None, (), {}, ArrayType((), blank.dtype), node.source, value=blank)
        return Node(elementwise.where, (valid, value, nothing), {}, node.type, node.source)


def _filled(number: Node, like: Node) -> Node:
    """An array of the shape of another node filled with a number."""
    return Node(shape.broadcast_to, (number,), {"shape": like.type.shape}, like.type, like.source)
