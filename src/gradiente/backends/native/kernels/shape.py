"""Operations that move elements: copies into the places where they belong."""

import math
from typing import Any

from gradiente.backends.native.kernels.elementwise import vectorized
from gradiente.backends.native.kernels.kernel import KernelWriter, collapse
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.kernels.transposition import transposed
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View, reshaped
from gradiente.graph.node import Node
from gradiente.ops import shape as table

TURNED = 0.2  # nanoseconds to move an element from a column into a row


def copy(writer: KernelWriter, source: View, target: View) -> None:
    """Every element of the source to the same index of the target."""
    if 0 in target.shape:
        return
    views = [source.broadcast(target.shape), target]
    collapsed = collapse(target.shape, views, int(writer.keeps_rows(target.shape)))
    read, write = collapsed.views
    vectors = not write.strides or write.strides[-1] == 1

    def at(indices: list[Value], lanes: int) -> None:
        writer.write(writer.read(read, indices, lanes), write, indices)

    axis = _turned_axis(read, write)
    if axis is not None and not writer.keeps_rows(target.shape):
        _copy_turned(writer, read, write, axis)
    elif vectors:
        vectorized(writer, collapsed.shape, at)
    else:
        with writer.shared_loops(collapsed.shape, math.prod(collapsed.shape)) as indices:
            at(indices, 1)


def _turned_axis(read: View, write: View) -> int | None:
    """The axis along which the source lies side by side, if it is not the target's."""
    if len(read.shape) < 2 or write.strides[-1] != 1 or read.strides[-1] in (0, 1):
        return None
    return read.strides.index(1) if 1 in read.strides else None


def _copy_turned(writer: KernelWriter, read: View, write: View, axis: int) -> None:
    """Blocks as high and wide as a vector are transposed in registers; the rest goes one by one."""
    code, last = writer.code, len(read.shape) - 1
    rows, columns = read.shape[axis], read.shape[last]
    lanes = writer.target.lanes(read.dtype.itemsize)
    while lanes > min(rows, columns):
        lanes //= 2
    others = [n for place, n in enumerate(read.shape) if place not in (axis, last)]

    def copy_one(place: list[Value]) -> None:
        writer.write(writer.read(read, place), write, place)

    with writer.shared_loops((*others, -(-rows // lanes)), TURNED * math.prod(read.shape)) as at:
        outer, row = at[:-1], at[-1] * lanes

        def place(row: Value, column: Value) -> list[Value]:
            return [*outer[:axis], row, *outer[axis:], column]

        full = columns - columns % lanes
        with code.when(row <= rows - lanes):
            with code.loop(full, step=lanes) as loop:
                block = [place(row, loop.index + i) for i in range(lanes)]
                lines = [writer.read_rows(read, each, axis, lanes) for each in block]
                for i, line in enumerate(transposed(code, lines)):
                    writer.write(line, write, place(row + i, loop.index))
            with code.loop(columns, start=full) as loop, code.loop(lanes) as one:
                copy_one(place(row + one.index, loop.index))
        if rows % lanes:
            with (
                code.when(row > rows - lanes),
                code.loop(columns) as loop,
                code.loop(rows, start=row) as one,
            ):
                copy_one(place(one.index, loop.index))


def fill(writer: KernelWriter, number: Any, target: View) -> None:
    """One number in every element of a contiguous target."""
    if 0 in target.shape:
        return
    (view,) = collapse(target.shape, [target], int(writer.keeps_rows(target.shape))).views

    def at(indices: list[Value], lanes: int) -> None:
        writer.write(writer.code.constant(number, Kind(target.dtype, lanes)), view, indices)

    vectorized(writer, view.shape, at)


@lowers(table.reshape)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source = inputs[0]  # lies irregularly: its elements move, in row-major order
    seen = reshaped(target, source.shape)
    assert seen is not None, "what a reshape writes lies so that it can be seen as its input"
    copy(writer, source, seen)


@lowers(table.pad)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    before, gaps = node.params["before"], node.params["gaps"]
    writer.alone = not (writer.keeps_rows(target.shape) and target.shape[0] == inputs[0].shape[0])
    fill(writer, 0, target)
    offset = target.offset + sum(b * s for b, s in zip(before, target.strides, strict=True))
    strides = tuple(s * (gap + 1) for s, gap in zip(target.strides, gaps, strict=True))
    inside = View(target.base, target.dtype, inputs[0].shape, strides, offset)
    copy(writer, inputs[0], inside)


@lowers(table.concatenate)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    axis, offset = node.params["axis"], target.offset
    writer.alone = not (writer.keeps_rows(target.shape) and axis > 0)
    for source in inputs:
        part = View(target.base, target.dtype, source.shape, target.strides, offset)
        copy(writer, source, part)
        offset += source.shape[axis] * target.strides[axis]
