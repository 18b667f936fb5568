"""Groups of operations that look at the same rows: each row is finished while it is in the cache.

A row is gone through several times. In each *phase* the operations are computed that need nothing
but numbers known from the phases before: the maximum, then the sum of exponentials, then the
quotients. Long rows are read in vectors along the row; of short ones as many are done at once as a
vector has lanes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradiente.backends.native.kernels.elementwise import WORK, formula
from gradiente.backends.native.kernels.kernel import ROWS, KernelWriter
from gradiente.backends.native.kernels.reduce import Reduction
from gradiente.backends.native.language.emit import Code, Value
from gradiente.backends.native.language.kind import INDEX, Kind
from gradiente.backends.native.memory.layout import View
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node
from gradiente.ops import reduce
from gradiente.rewrite.rows import REDUCTIONS, RowMembers

Values = dict[Node, Value]


@dataclass(frozen=True)
class Span:
    """Where in its row a vector lies: rows `row` … `row + width`, places `place` … `+ lanes`.

    One of width and lanes is 1.
    """

    outer: list[Value]
    row: Value
    width: int
    place: Value
    lanes: int

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self.width * self.lanes


class Rows:
    """A kernel that goes row by row, being written."""

    def __init__(
        self,
        writer: KernelWriter,
        nodes: Sequence[Node],
        members: RowMembers,
        reads: dict[Node, View],
        stores: dict[Node, View],
    ):
        self.writer, self.code, self.nodes, self.members = writer, writer.code, nodes, members
        self.inside = set(nodes)
        self.length = members.full[-1]
        self.reads = reads
        self.stores = {node: self._view(node, view) for node, view in stores.items()}
        self.phase = self._phases()
        self.kept = self._kept()
        self.lanes = writer.target.lanes(4)
        self.across = self.length < self.lanes and members.rows[-1] > 1

    # -- what is done when -------------------------------------------------------------------------

    def _source(self, node: Node) -> Node:
        return self.members.source(node)

    def _is_number(self, node: Node) -> bool:
        """True for one number for each row."""
        return not self.members.is_full(node)

    def _is_gathered(self, node: Node) -> bool:
        """True for a number that is made of a whole row."""
        return node.operation in REDUCTIONS or self.members.is_chosen(node)

    def _phases(self) -> dict[Node, int]:
        """The phase in which a full operation is computed, or before which a number is known."""
        phase: dict[Node, int] = {}
        for node in self.nodes:
            known = [phase.get(self._source(item), 0) for item in node.inputs]
            phase[node] = max(known, default=0) + (1 if self._is_gathered(node) else 0)
        return phase

    def _kept(self) -> set[Node]:
        """Full operations whose row is needed in a later phase than its own."""
        kept = set()
        for node in self.nodes:
            now = self.phase[node] - (1 if self._is_gathered(node) else 0)
            for item in node.inputs:
                if item in self.inside and not self._is_number(item) and self.phase[item] < now:
                    kept.add(item)
        return kept

    # -- loops over rows ---------------------------------------------------------------------------

    def write(self) -> None:
        """All rows."""
        *outer, rows = self.members.rows
        cost = WORK * len(self.nodes) * math.prod(self.members.full) / 4
        width = self.lanes if self.across else 1
        while width > rows:
            width //= 2
        if outer:
            with self.writer.shared_loops(tuple(outer), cost) as indices:
                self._rows(indices, self.code.index(0), self.code.index(rows // width), width)
                self._rest(indices, rows - rows % width, rows, width // 2)
            return
        if rows % ROWS == 0 and rows // width > 1:
            width = min(width, ROWS)
            self.writer.divided_by_rows(rows)
            begin, end = self.writer.parallel(rows // ROWS, cost)
            self._rows([], begin * (ROWS // width), end * (ROWS // width), width)
            return
        units = rows // width
        begin, end = self.writer.parallel(units, cost)
        self._rows([], begin, end, width)
        if rows % width:
            with self.code.when(end == units):
                self._rest([], units * width, rows, width // 2)

    def _rows(self, outer: list[Value], begin: Value, end: Value, width: int) -> None:
        with self.code.loop(end * width, start=begin * width, step=width) as loop:
            _Row(self, outer, loop.index, width).write()

    def _rest(self, outer: list[Value], start: int, stop: int, width: int) -> None:
        while start < stop:
            if start + width <= stop:
                _Row(self, outer, self.code.index(start), width).write()
                start += width
            else:
                width //= 2

    # -- memory ------------------------------------------------------------------------------------

    def _view(self, node: Node, view: View) -> View:
        """A view with an index for each axis of the rows, and one for the place in the row.

        In square arrays, the shape alone does not say whether there is a number for each row or for
        each place: this is the view of the former.
        """
        if self.members.is_full(node) or not self.members.is_single(node):
            return view.broadcast(self.members.full)
        strides = view.strides[: len(self.members.rows)]
        return replace(view, shape=self.members.full, strides=(*strides, 0))

    def read(self, node: Node, span: Span) -> Value:
        """Elements that are not computed here, as a full operation sees them."""
        return self._read(self.reads[node].broadcast(self.members.full), span)

    def read_number(self, node: Node, span: Span) -> Value:
        """Numbers of rows that are not computed here."""
        return self._read(self._view(node, self.reads[node]), span)

    def _read(self, view: View, span: Span) -> Value:
        indices = [*span.outer, span.row, span.place]
        if span.lanes > 1:
            return self.writer.read(view, indices, span.lanes)
        return self.writer.read_rows(view, indices, len(indices) - 2, span.width)

    def store(self, node: Node, value: Value, span: Span) -> None:
        """Elements that are needed elsewhere."""
        view, indices = self.stores[node], [*span.outer, span.row, span.place]
        value = self.code.as_kind(value, Kind(value.dtype, span.size))
        if span.lanes > 1:
            self.writer.write(value, view, indices)
        else:
            self.writer.write_rows(value, view, indices, len(indices) - 2, span.width)


class _Row:
    """One row, or `width` rows at once."""

    def __init__(self, group: Rows, outer: list[Value], row: Value, width: int):
        self.group, self.code, self.outer, self.row = group, group.code, outer, row
        self.width = width
        self.numbers: Values = {}
        self.memory = {
            node: group.writer.private(ArrayType((width, group.length), node.type.dtype))
            for node in group.nodes
            if node in group.kept
        }

    def write(self) -> None:
        """Phase after phase."""
        group = self.group
        for phase in range(max(group.phase.values()) + 1):
            self._numbers(phase)
            self._phase(phase)

    def _numbers(self, phase: int) -> None:
        """The numbers made of other numbers, and storing of all that are known now."""
        group, span = self.group, self._span(self.code.index(0), 1)
        for node in group.nodes:
            if not group._is_number(node) or group.phase[node] != phase:
                continue
            if not group._is_gathered(node):
                inputs = [self._number(item) for item in node.inputs]
                self.numbers[node] = formula(group.writer, node, inputs)
            if node in group.stores:
                group.store(node, self.numbers[node], span)

    def _span(self, place: Value, lanes: int) -> Span:
        return Span(self.outer, self.row, self.width, place, lanes)

    def _number(self, node: Node) -> Value:
        """A number of this row, computed here or read."""
        source = self.group._source(node)
        if source not in self.numbers:
            self.numbers[source] = self.group.read_number(node, self._span(self.code.index(0), 1))
        return self.numbers[source]

    def _phase(self, phase: int) -> None:
        """Everything of a phase that is made of whole rows, in one pass over the row."""
        group = self.group
        full = [n for n in group.nodes if not group._is_number(n) and group.phase[n] == phase]
        gathered = [n for n in group.nodes if group._is_gathered(n) and group.phase[n] == phase + 1]
        if not full and not gathered:
            return
        places = {n: self._place(n) for n in gathered if group.members.is_chosen(n)}
        totals: Values = {}
        start, lanes = 0, 1 if group.across else group.lanes
        while start < group.length:
            stop = group.length - (group.length - start) % lanes
            if stop > start:
                found = self._pass(full, gathered, places, start, stop, lanes)
                for node, value in found.items():
                    how = self._gathering(node)
                    value = value if group.across else how.tree(value)
                    totals[node] = how.add(totals[node], value) if node in totals else value
            start, lanes = stop, max(lanes // 2, 1)
        self.numbers.update(totals)

    def _place(self, node: Node) -> Value:
        """The place of a chosen element, which is checked."""
        number = self.code.convert(self._number(node.inputs[1]), INDEX.dtype)
        number = self.code.as_kind(number, Kind(INDEX.dtype, self.width))
        return self.group.writer.in_range(number, self.group.length, node)

    def _gathering(self, node: Node) -> Reduction:
        """A chosen element is the sum of itself and of zeros in all other places."""
        operation = node.operation if node.operation in REDUCTIONS else reduce.sum_
        return Reduction(self.group.writer, node, operation)

    def _pass(
        self,
        full: list[Node],
        gathered: list[Node],
        places: Values,
        start: int,
        stop: int,
        lanes: int,
    ) -> Values:
        """A loop over part of the row; what was gathered in it."""
        size = self.width * lanes
        starts = [self._gathering(node).start(size) for node in gathered]
        with self.code.loop(stop, start=start, step=lanes, carried=starts) as loop:
            span = self._span(loop.index, lanes)
            values: Values = {}
            for node in full:
                inputs = [self._element(item, span, values) for item in node.inputs]
                values[node] = formula(self.group.writer, node, inputs)
                if node in self.memory:
                    self._keep(node, values[node], span)
            following = []
            for node, total in zip(gathered, loop.carried, strict=True):
                element = self._element(node.inputs[0], span, values)
                if node in places:
                    element = _where_chosen(self.code, places[node], span, element)
                following.append(self._gathering(node).add(total, element))
            for node in full:
                if node in self.group.stores:
                    self.group.store(node, values[node], span)
            loop.carry(*following)
        return dict(zip(gathered, loop.results, strict=True))

    def _element(self, node: Node, span: Span, values: Values) -> Value:
        """Elements of a full operation, or a number repeated for all places of its row."""
        group = self.group
        if node in values:
            return values[node]
        if node in self.memory:
            kind = Kind(node.type.dtype, span.size)
            return self.code.load(self.memory[node], self._kept_at(span), kind)
        if group.members.is_full(node) or group._source(node) not in group.inside:
            values[node] = group.read(node, span)
        else:
            values[node] = self._number(node)
        return values[node]

    def _keep(self, node: Node, value: Value, span: Span) -> None:
        value = self.code.as_kind(value, Kind(value.dtype, span.size))
        self.code.store(value, self.memory[node], self._kept_at(span))

    def _kept_at(self, span: Span) -> Value:
        return span.place * span.width


def _where_chosen(code: Code, place: Value, span: Span, element: Value) -> Value:
    """The element where it is the chosen one; elsewhere the zero that adds nothing."""
    element = code.as_kind(element, Kind(element.dtype, span.size))
    here = code.as_kind(span.place, Kind(INDEX.dtype, span.size))
    if span.lanes > 1:
        here = here + code.counting(Kind(INDEX.dtype, span.lanes))
    zero = np.asarray(-0.0 if element.kind.is_float else 0).astype(element.dtype)
    return code.select(here == place, element, code.constant(zero, element.kind))
