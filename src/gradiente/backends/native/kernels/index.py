"""Operations that choose elements by integers, put them back, and sort."""

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.kernels.shape import fill
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import INDEX
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import index as table


def _chosen(
    writer: KernelWriter, view: View, indices: list[Value], length: int, node: Node
) -> Value:
    """An element of an index array, as an index into an axis of the given length."""
    place = writer.code.convert(writer.read(view, indices), INDEX.dtype)
    return writer.in_range(place, length, node)


@lowers(table.take)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis, count = node.params["axis"], len(indices.shape)
    if 0 in target.shape:
        return
    with writer.shared_loops(target.shape, node.type.size) as at:
        place = _chosen(writer, indices, at[axis : axis + count], source.shape[axis], node)
        element = writer.read(source, [*at[:axis], place, *at[axis + count :]])
        writer.write(element, target, at)


@lowers(table.take_transpose)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis, count = node.params["axis"], len(indices.shape)
    writer.alone = True
    fill(writer, 0, target)
    if 0 in source.shape:
        return
    with writer.loops(source.shape) as at:
        place = _chosen(writer, indices, at[axis : axis + count], target.shape[axis], node)
        _add(writer, target, [*at[:axis], place, *at[axis + count :]], writer.read(source, at))


def _add(writer: KernelWriter, target: View, at: list[Value], value: Value) -> None:
    writer.write(writer.read(target, at) + value, target, at)


@lowers(table.take_along_axis)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis = node.params["axis"]
    if 0 in target.shape:
        return
    with writer.shared_loops(target.shape, node.type.size) as at:
        place = _chosen(writer, indices, at, source.shape[axis], node)
        writer.write(writer.read(source, [*at[:axis], place, *at[axis + 1 :]]), target, at)


@lowers(table.put_along_axis)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis = node.params["axis"]
    writer.alone = True
    fill(writer, 0, target)
    if 0 in source.shape:
        return
    with writer.loops(source.shape) as at:
        place = _chosen(writer, indices, at, target.shape[axis], node)
        _add(writer, target, [*at[:axis], place, *at[axis + 1 :]], writer.read(source, at))


@lowers(table.argsort)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    """Merge sort: runs of length 1, 2, 4, … are merged back and forth between two buffers."""
    if 0 in target.shape:
        return
    source, axis = inputs[0], node.params["axis"]
    rows = [length for place, length in enumerate(target.shape) if place != axis]
    length = target.shape[axis]
    scratch = writer.scratch(node.type)
    passes = (length - 1).bit_length()
    buffers = [target, scratch] if passes % 2 == 0 else [scratch, target]
    with writer.shared_loops(tuple(rows) or (1,), 10.0 * node.type.size) as outer:
        row = _Row(writer, outer if rows else [], axis)
        with writer.code.loop(length) as loop:
            row.write(loop.index, buffers[0], loop.index)
        for number in range(passes):
            row.merge(source, buffers[0], buffers[1], 1 << number, length)
            buffers.reverse()


class _Row:
    """One row being sorted along an axis."""

    def __init__(self, writer: KernelWriter, outer: list[Value], axis: int):
        self.writer, self.outer, self.axis = writer, outer, axis

    def at(self, place: Value) -> list[Value]:
        """The indices of a place in the row."""
        return [*self.outer[: self.axis], place, *self.outer[self.axis :]]

    def read(self, view: View, place: Value) -> Value:
        """An element of the row."""
        return self.writer.read(view, self.at(place))

    def write(self, value: Value, view: View, place: Value) -> None:
        """Put an element into the row."""
        self.writer.write(self.writer.code.convert(value, view.dtype), view, self.at(place))

    def merge(self, source: View, before: View, after: View, width: int, length: int) -> None:
        """Merge neighbouring sorted runs of a width; of equal elements the left one comes first."""
        code = self.writer.code
        last = code.index(length - 1)

        def least(value: Value, limit: Value) -> Value:
            return code.intrinsic("smin", value, limit)

        with code.loop(length, step=2 * width) as block:
            middle = least(block.index + width, code.index(length))
            stop = least(block.index + 2 * width, code.index(length))
            with code.loop(stop, start=block.index, carried=[block.index, middle]) as loop:
                i, j = loop.carried
                left = self.read(before, least(i, last))
                right = self.read(before, least(j, last))
                smaller = _comes_first(self.read(source, right), self.read(source, left))
                takes_left = (i < middle) & ((j >= stop) | ~smaller)
                self.write(code.select(takes_left, left, right), after, loop.index)
                step = code.convert(takes_left, INDEX.dtype)
                loop.carry(i + step, j + (1 - step))


def _comes_first(a: Value, b: Value) -> Value:
    """a < b, where NaN is larger than every number, as NumPy sorts."""
    if a.kind.is_float:
        return (a < b) | ((a == a) & (b != b))
    return a < b
