"""A loop of a program: the kernels of its body are called round by round, from one function.

Where every kernel of the body works row by row, the rows are divided among the threads: each runs
through all rounds with its own, and waits for nobody.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradiente.backends.native.kernels.kernel import NAME, ROWS, KernelWriter
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.memory.layout import View, contiguous, whole
from gradiente.base.types import ArrayType
from gradiente.graph.node import Node
from gradiente.ops.scan import Body, Parts, parts_of

BYTE = np.dtype(np.uint8)

Place = tuple[str, int]


@dataclass(frozen=True)
class RoundCall:
    """A kernel of the body: its text, what it declares, its units, and where its buffers are."""

    text: str
    declarations: set[str]
    units: int
    places: Sequence[Place]


@dataclass(frozen=True)
class Round:
    """The body: its kernels in order, constants, bytes of memory (shared, of each thread).

    rows: by which all kernels are divided, or 0. cost: nanoseconds on one thread, roughly.
    """

    calls: Sequence[RoundCall]
    constants: Sequence[np.ndarray]
    sizes: tuple[int, int]
    rows: int
    cost: float


def views_in_a_round(inputs: Sequence[View], body: Body) -> list[View]:
    """How what the body is given lies: carries in order, slices and what is fixed as outside."""
    layouts = []
    for number, view in enumerate(inputs):
        if number < body.carries:
            view = replace(view, strides=contiguous(view.shape))
        elif number < body.carries + body.slices:
            view = replace(view, shape=view.shape[1:], strides=view.strides[1:])
        layouts.append(view)
    return layouts


def rows_of(carries: Sequence[View]) -> int:
    """The length of the first axis, if all carries have one length that can be divided; or 0."""
    lengths = {view.shape[0] if view.shape else 0 for view in carries}
    rows = lengths.pop() if len(lengths) == 1 else 0
    return rows if rows % ROWS == 0 else 0


def write_rounds(
    writer: KernelWriter, node: Node, inputs: Sequence[View], target: View, body: Round
) -> None:
    """The kernel of a loop: all rounds, of the rows of this call."""
    code = writer.code
    loop = _Loop(writer, node, inputs, target, body)
    length, rows = node.params["length"], body.rows
    if rows:
        writer.divided_by_rows(rows)
    limits = writer.parallel(rows // ROWS if rows else 1, body.cost * max(length, 1))
    loop.begin(limits)
    for number, call in enumerate(body.calls):
        code.declarations |= call.declarations
        writer.functions.append(call.text.replace(f"@{NAME}", f"@{NAME}.{number}"))
    with code.loop(length) as rounds:
        last = code.index(length - 1)
        t = last - rounds.index if node.params["reverse"] else rounds.index
        for number, call in enumerate(body.calls):
            pointers = [f"ptr {loop.address(place, t)}" for place in call.places]
            units = limits if rows else (code.index(0), code.index(call.units))
            arguments = [*pointers, "ptr %status", f"ptr {loop.private}"]
            arguments += [f"i64 {unit.name}" for unit in units]
            code.line(f"call void @{NAME}.{number}({', '.join(arguments)})")


class _Loop:
    """Where the buffers of the body lie in the program around it."""

    def __init__(
        self,
        writer: KernelWriter,
        node: Node,
        inputs: Sequence[View],
        target: View,
        body: Round,
    ):
        self.writer, self.code, self.body = writer, writer.code, body
        self.inputs, self.target = inputs, target
        self.carries = node.params["body"].carries
        self.changing = self.carries + node.params["body"].slices
        self.parts: Parts = parts_of(node.params["body"], node.params["length"])
        shared, private = body.sizes
        self.arena = writer.scratch(ArrayType((shared,), BYTE))
        self.private = writer.private(ArrayType((private,), BYTE)) if private else "%private"
        self.constants = [
            whole(Node(None, (), {}, ArrayType(value.shape, value.dtype), value=value))
            for value in body.constants
        ]

    def begin(self, limits: tuple[Value, Value]) -> None:
        """The first carries, into the place where every round finds and leaves its own."""
        for number in range(self.carries):
            source, shape = self.inputs[number], self.parts.shapes[number]
            start = self.target.offset + self.parts.starts[number]
            target = View(self.target.base, self.target.dtype, shape, contiguous(shape), start)
            begin, end = self.code.index(0), self.code.index(shape[0] if shape else 0)
            if self.body.rows:
                begin, end = (limit * ROWS for limit in limits)
            if not shape:
                self.writer.write(self.writer.read(source, []), target, [])
                continue
            with (
                self.code.loop(end, start=begin) as row,
                self.writer.loops(shape[1:]) as others,
            ):
                place = [row.index, *others]
                self.writer.write(self.writer.read(source, place), target, place)

    def address(self, place: Place, t: Value) -> str:
        """Where a buffer of the body begins in round t."""
        kind, number = place
        if kind == "arena":
            return self._in(self.arena, self.code.index(number))
        if kind == "constant":
            return self._in(self.constants[number], self.code.index(0))
        if kind == "input" and number >= self.carries:
            view = self.inputs[number]
            start = self.code.index(view.offset)
            if number < self.changing:
                start = start + t * view.strides[0]
            return self._in(view, start)
        start = self.code.index(self.target.offset + self.parts.starts[number])
        if kind == "output":
            start = start + t * math.prod(self.parts.shapes[number][1:])
        return self._in(self.target, start)

    def _in(self, view: View, place: Value) -> str:
        return self.code.address(self.writer.pointer(view), place, view.dtype)
