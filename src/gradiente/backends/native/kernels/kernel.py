"""One kernel being written: its code, the buffers it touches, and loops over their elements."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from gradiente.backends.native.language.emit import Code, Value
from gradiente.backends.native.language.kind import INDEX, Kind
from gradiente.backends.native.machine.target import Target
from gradiente.backends.native.mathematics.algebra import Algebra
from gradiente.backends.native.memory.layout import View, padded, whole
from gradiente.backends.native.memory.places import ALIGNMENT
from gradiente.base.types import ArrayType, Shape
from gradiente.graph.node import Node

ROWS = 8  # of a unit, where kernels are divided by the rows of the batch
NAME = "KERNEL"  # replaced when equal kernels have been found


class KernelWriter:
    """What a lowering writes to: `read` and `write` elements, `loops` over indices.

    A kernel is a function of pointers only, in the order in which it first touches buffers; all
    shapes and strides are written into it. Two kernels of equal text are one.

    rows: loops over this many rows are divided by rows, wherever that is possible; 0: no such wish.
    functions: other functions that the kernel calls; their names begin with its own.
    """

    def __init__(self, target: Target, checked: list[Node], rows: int = 0):
        self.target, self.checked, self.rows = target, checked, rows
        self.functions: list[str] = []
        self.own: dict[Node, str] = {}  # arrays in memory of the thread
        self.code = Code(NAME, [], target)
        self.algebra = Algebra(self.code)
        self.buffers: list[Node] = []
        self.units = 1
        self.cost = 0.0
        self.alone = False
        self.checks = False  # whether the text names one of the checked nodes
        self.private_size = 0
        self.by_rows = 0

    def parallel(self, units: int, cost: float) -> tuple[Value, Value]:
        """Divide the kernel into units of work that can run in any order on any thread.

        Returns the first unit this call is to do and the one after the last. Units are fixed by
        shapes, never by the number of threads, so that results do not depend on it.
        cost: an estimate of the whole kernel in nanoseconds on one thread.
        A kernel of several parts is `alone`: each part is done as a whole, one after the other.
        """
        if self.alone:
            return self.code.index(0), self.code.index(units)
        self.units, self.cost = units, cost
        return Value(self.code, "%begin", INDEX), Value(self.code, "%end", INDEX)

    def divided_by_rows(self, rows: int) -> bool:
        """Whether units are to be blocks of `ROWS` rows, the same for all kernels of these rows.

        by_rows: the number of rows, if the kernel is divided so. Then each thread has the same rows
        in all of them.
        """
        self.by_rows = rows if rows % ROWS == 0 else 0
        return bool(self.by_rows)

    def scratch(self, type: ArrayType) -> View:
        """Memory for the duration of the kernel."""
        return padded(Node(None, (), {}, type))

    def private(self, type: ArrayType) -> str:
        """A pointer to memory that only the thread which runs this code touches."""
        offset, size = self.private_size, type.size * type.dtype.itemsize
        self.private_size += -(-size // ALIGNMENT) * ALIGNMENT
        name = f"%private{len(self.code.first)}"  # known everywhere in the kernel
        self.code.first.append(f"  {name} = getelementptr i8, ptr %private, i64 {offset}")
        return name

    def private_array(self, type: ArrayType) -> View:
        """An array in such memory."""
        view = whole(Node(None, (), {}, type))
        self.own[view.base] = self.private(type)
        return view

    def pointer(self, view: View) -> str:
        """The parameter through which a view's buffer is reached."""
        if view.base in self.own:
            return self.own[view.base]
        if view.base not in self.buffers:
            self.buffers.append(view.base)
        return f"%p{self.buffers.index(view.base)}"

    def place(self, view: View, indices: Sequence[Value]) -> Value:
        """Where an element lies, counted from the start of its buffer."""
        total: Value | None = None
        for index, stride in zip(indices, view.strides, strict=True):
            if stride:
                term = index if stride == 1 else index * stride
                total = term if total is None else total + term
        if total is None:
            return self.code.index(view.offset)
        return total + view.offset if view.offset else total

    def read(self, view: View, indices: Sequence[Value], lanes: int = 1) -> Value:
        """The element at indices, or `lanes` elements from there along the last axis."""
        if view.base.is_constant and view.base.type.size == 1:
            scalar = np.asarray(view.base.value).reshape(())[()]
            return self.code.constant(scalar, Kind(view.dtype, lanes))
        stride = view.strides[-1] if view.strides else 0
        if lanes == 1 or stride == 0:
            value = self.code.load(self.pointer(view), self.place(view, indices), Kind(view.dtype))
            return value if lanes == 1 else self.code.splat(value, lanes)
        start = self.place(view, indices)
        if stride == 1:
            return self.code.load(self.pointer(view), start, Kind(view.dtype, lanes))
        return self._strided(view, start, stride, lanes)

    def read_rows(self, view: View, indices: Sequence[Value], axis: int, lanes: int) -> Value:
        """The elements at `lanes` neighbouring places along any axis."""
        stride = view.strides[axis] if view.strides else 0
        if lanes == 1 or stride == 0 or (view.base.is_constant and view.base.type.size == 1):
            value = self.read(view, indices)
            return value if lanes == 1 else self.code.splat(value, lanes)
        start = self.place(view, indices)
        if stride == 1:
            return self.code.load(self.pointer(view), start, Kind(view.dtype, lanes))
        return self._strided(view, start, stride, lanes)

    def write_rows(
        self, value: Value, view: View, indices: Sequence[Value], axis: int, lanes: int
    ) -> None:
        """Store elements at `lanes` neighbouring places along any axis."""
        start, stride = self.place(view, indices), view.strides[axis] if view.strides else 0
        value = self.code.as_kind(value, Kind(value.dtype, lanes))
        if lanes == 1 or stride == 1:
            self.code.store(value, self.pointer(view), start)
            return
        for lane in range(lanes):
            one = self.code.element(value, self.code.index(lane))
            self.code.store(one, self.pointer(view), start + lane * stride)

    def _strided(self, view: View, start: Value, stride: int, lanes: int) -> Value:
        """Elements that do not lie side by side, loaded one by one into a vector."""
        kind = Kind(view.dtype, lanes)
        vector = Value(self.code, "poison", kind)
        for lane in range(lanes):
            one = self.code.load(self.pointer(view), start + lane * stride, Kind(view.dtype))
            vector = self.code.assign(
                f"insertelement {kind.text} {vector.name}, {kind.scalar} {one.name}, i32 {lane}",
                kind,
            )
        return vector

    def write(self, value: Value, view: View, indices: Sequence[Value]) -> None:
        """Store an element, or a vector of them along the last axis, which lies side by side."""
        self.code.store(value, self.pointer(view), self.place(view, indices))

    def in_range(self, place: Value, length: int, node: Node) -> Value:
        """Indices where they are in range; else 0, and the program will report the node."""
        code = self.code
        fits = (place >= 0) & (place < length)
        self.checks = True
        if node not in self.checked:
            self.checked.append(node)
        wrong = ~fits
        if wrong.kind.lanes > 1:
            wrong = code.intrinsic("vector.reduce.or", wrong, kind=Kind(wrong.dtype))
        with code.when(wrong):
            report = code.index(self.checked.index(node) + 1)
            code.store(report, "%status", code.index(0))
        return code.select(fits, place, code.constant(0, place.kind))

    @contextmanager
    def loops(self, shape: Shape) -> Iterator[list[Value]]:
        """A loop nest over all indices of a shape; loops of length 1 are left out."""
        with self._nest(tuple(shape), []) as indices:
            yield indices

    @contextmanager
    def shared_loops(self, shape: Shape, cost: float) -> Iterator[list[Value]]:
        """A loop nest of which the outermost loop is divided among threads."""
        if not shape:
            yield []
            return
        begin, end = self._rows_or_units(shape[0], cost)
        with (
            self.code.loop(end, start=begin) as loop,
            self._nest(tuple(shape[1:]), [loop.index]) as indices,
        ):
            yield indices

    def _rows_or_units(self, length: int, cost: float) -> tuple[Value, Value]:
        """The first index of a loop of this call, and the one after the last."""
        if length != self.rows or self.alone or not self.divided_by_rows(length):
            return self.parallel(length, cost)
        begin, end = self.parallel(length // ROWS, cost)
        return begin * ROWS, end * ROWS

    def keeps_rows(self, shape: Shape) -> bool:
        """True for loops whose first axis is that of the rows the kernel shall be divided by."""
        return bool(self.rows) and len(shape) > 1 and shape[0] == self.rows

    @contextmanager
    def _nest(self, shape: Shape, outer: list[Value]) -> Iterator[list[Value]]:
        if not shape:
            yield outer
        elif shape[0] == 1:
            with self._nest(shape[1:], [*outer, self.code.index(0)]) as indices:
                yield indices
        else:
            with (
                self.code.loop(shape[0]) as loop,
                self._nest(shape[1:], [*outer, loop.index]) as indices,
            ):
                yield indices

    def text(self) -> str:
        """The function, its parameters being the buffers in order of first use."""
        buffers = [("ptr noalias", f"p{i}") for i in range(len(self.buffers))]
        range_ = [("i64", "begin"), ("i64", "end")]
        memory = [("ptr noalias", "status"), ("ptr noalias", "private")]
        self.code.parameters = [*buffers, *memory, *range_]
        return "\n".join([*self.functions, self.code.text()])


@dataclass(frozen=True)
class Collapsed:
    """A shape with neighbouring axes run together wherever all views allow it."""

    shape: Shape
    views: list[View]


def collapse(shape: Shape, views: Sequence[View], first: int = 0) -> Collapsed:
    """Fewer and longer loops over the same elements, for views already broadcast to the shape.

    first: how many axes are to stay as they are.
    """
    lengths: list[int] = []
    columns: list[list[int]] = [[] for _ in views]
    for axis, length in enumerate(shape):
        if length == 1 and axis >= first:
            continue
        strides = [view.strides[axis] for view in views]
        joined = len(lengths) > first and all(
            column[-1] == stride * length for column, stride in zip(columns, strides, strict=True)
        )
        if joined:
            lengths[-1] *= length
            for column, stride in zip(columns, strides, strict=True):
                column[-1] = stride
        else:
            lengths.append(length)
            for column, stride in zip(columns, strides, strict=True):
                column.append(stride)
    collapsed = [
        View(view.base, view.dtype, tuple(lengths), tuple(column), view.offset)
        for view, column in zip(views, columns, strict=True)
    ]
    return Collapsed(tuple(lengths), collapsed)
