"""Operations that move elements: copies into the places where they belong."""

import math
from typing import Any

from gradiente.backends.native.elementwise import vectorized
from gradiente.backends.native.emit import Kind, Value
from gradiente.backends.native.kernel import KernelWriter, collapse
from gradiente.backends.native.layout import View, contiguous
from gradiente.backends.native.lowering import lowers
from gradiente.graph.node import Node
from gradiente.ops import shape as table


def copy(writer: KernelWriter, source: View, target: View) -> None:
    """Every element of the source to the same index of the target."""
    if 0 in target.shape:
        return
    collapsed = collapse(target.shape, [source.broadcast(target.shape), target])
    read, write = collapsed.views
    vectors = not write.strides or write.strides[-1] == 1

    def at(indices: list[Value], lanes: int) -> None:
        writer.write(writer.read(read, indices, lanes), write, indices)

    if vectors:
        vectorized(writer, collapsed.shape, at)
    else:
        with writer.shared_loops(collapsed.shape, math.prod(collapsed.shape)) as indices:
            at(indices, 1)


def fill(writer: KernelWriter, number: Any, target: View) -> None:
    """One number in every element of a contiguous target."""
    if 0 in target.shape:
        return
    (view,) = collapse(target.shape, [target]).views

    def at(indices: list[Value], lanes: int) -> None:
        writer.write(writer.code.constant(number, Kind(target.dtype, lanes)), view, indices)

    vectorized(writer, view.shape, at)


@lowers(table.reshape)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source = inputs[0]  # lies irregularly: its elements move, in row-major order
    strides = contiguous(source.shape)
    copy(writer, source, View(target.base, target.dtype, source.shape, strides, target.offset))


@lowers(table.pad)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    before, gaps = node.params["before"], node.params["gaps"]
    writer.alone = True
    fill(writer, 0, target)
    offset = target.offset + sum(b * s for b, s in zip(before, target.strides, strict=True))
    strides = tuple(s * (gap + 1) for s, gap in zip(target.strides, gaps, strict=True))
    inside = View(target.base, target.dtype, inputs[0].shape, strides, offset)
    copy(writer, inputs[0], inside)


@lowers(table.concatenate)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    axis, offset = node.params["axis"], target.offset
    writer.alone = True
    for source in inputs:
        part = View(target.base, target.dtype, source.shape, target.strides, offset)
        copy(writer, source, part)
        offset += source.shape[axis] * target.strides[axis]
