"""Operations that choose elements by integers, put them back, and sort."""

from gradiente.backends.native.emit import INDEX, Value
from gradiente.backends.native.kernel import KernelWriter
from gradiente.backends.native.layout import View
from gradiente.backends.native.lowering import lowers
from gradiente.backends.native.shape import fill
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
    with writer.loops(target.shape) as at:
        place = _chosen(writer, indices, at[axis : axis + count], source.shape[axis], node)
        element = writer.read(source, [*at[:axis], place, *at[axis + count :]])
        writer.write(element, target, at)


@lowers(table.take_transpose)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis, count = node.params["axis"], len(indices.shape)
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
    with writer.loops(target.shape) as at:
        place = _chosen(writer, indices, at, source.shape[axis], node)
        writer.write(writer.read(source, [*at[:axis], place, *at[axis + 1 :]]), target, at)


@lowers(table.put_along_axis)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    source, indices = inputs
    axis = node.params["axis"]
    fill(writer, 0, target)
    if 0 in source.shape:
        return
    with writer.loops(source.shape) as at:
        place = _chosen(writer, indices, at, target.shape[axis], node)
        _add(writer, target, [*at[:axis], place, *at[axis + 1 :]], writer.read(source, at))


@lowers(table.argsort)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    """Each element counts how many come before it: stable, and without branches."""
    code, axis = writer.code, node.params["axis"]
    source, length = inputs[0], target.shape[axis]
    if 0 in target.shape:
        return
    with writer.loops(target.shape) as at:
        element = writer.read(source, at)
        with code.loop(length, carried=[code.index(0)]) as loop:
            other = writer.read(source, [*at[:axis], loop.index, *at[axis + 1 :]])
            equal = _same_rank(other, element) & (loop.index < at[axis])
            before = code.convert(_comes_first(other, element) | equal, INDEX.dtype)
            loop.carry(loop.carried[0] + before)
        place = code.convert(at[axis], target.dtype)
        writer.write(place, target, [*at[:axis], loop.results[0], *at[axis + 1 :]])


def _comes_first(a: Value, b: Value) -> Value:
    """a < b, where NaN is larger than every number."""
    if a.kind.is_float:
        return (a < b) | ((a == a) & (b != b))
    return a < b


def _same_rank(a: Value, b: Value) -> Value:
    if a.kind.is_float:
        return (a == b) | ((a != a) & (b != b))
    return a == b

