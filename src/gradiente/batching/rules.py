"""The batching rules: what each operation becomes when the samples have an axis in front.

Elementwise operations need none. Most others are themselves, with their axes moved by one.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.types import ArrayType
from gradiente.batching.replay import Samples, batches
from gradiente.graph.node import Node
from gradiente.ops import (
    composite,
    contract,
    convolution,
    identity,
    index,
    random,
    reduce,
    scan,
    shape,
    windows,
)
from gradiente.ops.operation import Operation
from gradiente.trace.functions import Tensor, bind, m
from gradiente.trace.surroundings import surrounded_by

Change = Callable[[Any, int], Any]


# How a parameter changes: axes are counted from one further on, shapes begin with the samples.
def _one_axis(axis: int, size: int) -> int:
    return axis + 1


def _many_axes(axes: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(axis + 1 for axis in axes)


def _order(axes: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (0, *(axis + 1 for axis in axes))


def _shape(lengths: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (size, *lengths)


def _none(amounts: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (0, *amounts)


def _once(steps: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (1, *steps)


def _same(number: int, size: int) -> int:
    return number


def _with(operation: Operation, **changes: Change) -> None:
    """The operation itself on inputs that all have the axis, with changed parameters."""

    @batches(operation)
    def _(*inputs: Samples, **params: Any) -> Tensor:
        size = inputs[0].size
        changed = {name: changes[name](value, size) for name, value in params.items()}
        result: Tensor = bind(operation, *(each.each for each in inputs), **changed)
        return result


# fmt: off
_with(identity.identity)
_with(identity.stop_gradient)
_with(reduce.sum_,       axes=_many_axes)
_with(reduce.max_,       axes=_many_axes)
_with(reduce.min_,       axes=_many_axes)
_with(reduce.any_,       axes=_many_axes)
_with(reduce.all_,       axes=_many_axes)
_with(reduce.argmax,     axis=_one_axis)
_with(reduce.argmin,     axis=_one_axis)
_with(reduce.cumsum,     axis=_one_axis)
_with(shape.reshape,     shape=_shape)
_with(shape.transpose,   axes=_order)
_with(shape.slice_,      starts=_none, stops=_shape, steps=_once)
_with(shape.pad,         before=_none, after=_none, gaps=_none)
_with(shape.flip,        axes=_many_axes)
_with(shape.concatenate, axis=_one_axis)
_with(index.argsort,         axis=_one_axis)
_with(index.take_along_axis, axis=_one_axis)
_with(index.put_along_axis,  axis=_one_axis, length=_same)
_with(composite.softmax,     axis=_one_axis)
_with(composite.log_softmax, axis=_one_axis)
_with(composite.logsumexp,   axes=_many_axes)
_with(composite.softmax_cross_entropy)
# fmt: on


@batches(shape.broadcast_to)
def _(x: Samples, *, shape: tuple[int, ...]) -> Any:
    return m.broadcast_to(x.aligned(len(shape)), (x.size, *shape))


# -- products --------------------------------------------------------------------------------------


@batches(contract.matmul)
def _(a: Samples, b: Samples) -> Any:
    """Leading axes are those of a batch; samples of rows that meet one matrix are more rows."""
    if a.mapped and not b.mapped and len(b.shape) == 2:
        count = math.prod(a.tensor.shape[:-1])
        rows = m.matmul(m.reshape(a.tensor, (count, a.shape[-1])), b.tensor)
        return m.reshape(rows, (a.size, *a.shape[:-1], b.shape[-1]))
    ndim = max(len(a.shape), len(b.shape))
    return m.matmul(a.aligned(ndim), b.aligned(ndim))


@batches(convolution.convolution)
def _(x: Samples, w: Samples, *, groups: int, **params: Any) -> Any:
    """More samples for one weight; more outputs of one x; more groups if both differ."""
    if not w.mapped:
        y = bind(convolution.convolution, _folded(x), w.tensor, groups=groups, **params)
        return _unfolded(y, x.size)
    outputs = w.shape[-1] // groups
    split = m.reshape(w.tensor, (w.size, *w.shape[:-1], groups, outputs))
    if not x.mapped:
        # (samples, *sizes, c, groups, o) -> (*sizes, c, groups, samples, o)
        kernel = m.reshape(m.moveaxis(split, 0, -2), (*w.shape[:-1], w.size * w.shape[-1]))
        y = bind(convolution.convolution, x.tensor, kernel, groups=groups, **params)
        apart = m.moveaxis(m.reshape(y, (*y.shape[:-1], groups, w.size, outputs)), -2, 0)
        return m.reshape(apart, (*apart.shape[:-2], groups * outputs))
    channels = m.moveaxis(x.tensor, 0, -2)  # (n, *lengths, samples, c)
    channels = m.reshape(channels, (*channels.shape[:-2], x.size * x.shape[-1]))
    kernel = m.reshape(m.moveaxis(split, 0, -3), (*w.shape[:-1], w.size * w.shape[-1]))
    y = bind(convolution.convolution, channels, kernel, groups=groups * w.size, **params)
    return m.moveaxis(m.reshape(y, (*y.shape[:-1], w.size, groups * outputs)), -2, 0)


def _folded(x: Samples) -> Any:
    """(samples, n, ...) -> (samples · n, ...)"""
    return m.reshape(x.each, (x.size * x.shape[0], *x.shape[1:]))


def _unfolded(y: Any, size: int) -> Any:
    return m.reshape(y, (size, y.shape[0] // size if size else 0, *y.shape[1:]))


@batches(windows.windows)
def _(x: Samples, **params: Any) -> Any:
    return _unfolded(bind(windows.windows, _folded(x), **params), x.size)


@batches(windows.add_windows)
def _(y: Samples, **params: Any) -> Any:
    return _unfolded(bind(windows.add_windows, _folded(y), **params), y.size)


# -- indices ---------------------------------------------------------------------------------------


def _apart(indices: Samples, length: int) -> Any:
    """Indices into the axes of all samples, one behind the other; wrong ones remain wrong."""
    each = m.cast(indices.each, np.intp)
    starts = np.arange(indices.size).reshape(-1, *(1,) * len(indices.shape)) * length
    inside = (each >= 0) & (each < length)
    return m.where(inside, each + starts, -1)


@batches(index.take)
def _(x: Samples, indices: Samples, *, axis: int) -> Any:
    """One x: its own rule; one index: a further axis; else all samples in one long axis."""
    if not indices.mapped:
        return bind(index.take, x.tensor, indices.tensor, axis=axis + 1)
    if not x.mapped:
        return m.moveaxis(bind(index.take, x.tensor, indices.tensor, axis=axis), axis, 0)
    length, rest = x.shape[axis], (*x.shape[:axis], *x.shape[axis + 1 :])
    rows = m.reshape(m.moveaxis(x.tensor, axis + 1, 1), (x.size * length, *rest))
    chosen = bind(index.take, rows, _apart(indices, length), axis=0)
    return _moved(chosen, len(indices.shape), 1, 1 + axis)


def _moved(x: Any, count: int, source: int, destination: int) -> Any:
    """A run of axes moved to another place."""
    run = range(count)
    return m.moveaxis(x, [source + i for i in run], [destination + i for i in run])


@batches(index.take_transpose)
def _(g: Samples, indices: Samples, *, axis: int, length: int) -> Any:
    if not indices.mapped:
        tensors = g.tensor, indices.tensor
        return bind(index.take_transpose, *tensors, axis=axis + 1, length=length)
    moved = _moved(g.each, len(indices.shape), 1 + axis, 1)
    apart = _apart(indices, length)
    rows = bind(index.take_transpose, moved, apart, axis=0, length=g.size * length)
    return m.moveaxis(m.reshape(rows, (g.size, length, *rows.shape[1:])), 1, 1 + axis)


# -- random numbers --------------------------------------------------------------------------------


@batches(random.random_bits)
def _(key: Samples, *, shape: tuple[int, ...]) -> Any:
    """Each key draws what it draws by itself; samples of samples are more keys."""
    bits = bind(random.random_bits, m.reshape(key.tensor, (-1, 2)), shape=shape)
    return m.reshape(bits, (*key.tensor.shape[:-1], *shape))


@batches(random.fold_in)
def _(key: Samples, number: Samples) -> Any:
    keys = m.reshape(key.each, (-1, 2))
    return m.reshape(bind(random.fold_in, keys, m.ravel(number.each)), key.each.shape)


# -- loops -----------------------------------------------------------------------------------------


@batches(scan.scan)
def _(*inputs: Samples, body: scan.Body, length: int, reverse: bool) -> Any:
    """All samples go through the rounds together."""
    return body.replayed(inputs, length, reverse)


# -- gradients -------------------------------------------------------------------------------------


@batches(identity.after)
def _(x: Samples, g: Samples) -> Samples:
    return Samples(bind(identity.after, x.tensor, g.tensor), x.mapped, x.replay)


@batches(identity.checkpoint)
def _(y: Samples, *inputs: Samples, body: identity.Recomputation) -> Any:
    tensors = [each.tensor for each in inputs]
    return bind(identity.checkpoint, y.each, *tensors, body=body.replayed(inputs))


@batches(identity.custom_gradient)
def _(y: Samples, *inputs: Samples, rule: Callable[..., Any]) -> Samples:
    """The rule runs for one sample; what it records is then recorded for all."""
    kind = ArrayType(y.shape, y.tensor.dtype)

    def found(g: Tensor, mapped: bool) -> list[Samples | None]:
        sample = Node(None, (), {}, kind)
        with surrounded_by([sample]):
            gradients = rule(m, Tensor(sample))
        replay = y.replay.extended({sample: (g, mapped)})
        return [None if each is None else replay.of(each.node) for each in gradients]

    one = Tensor(Node(None, (), {}, kind))
    mapped = any(each.mapped for each in (y, *inputs))
    mapped = mapped or any(each is not None and each.mapped for each in found(one, False))

    def again(m: Any, g: Any) -> tuple[Any, ...]:
        given = found(g, mapped)
        return tuple(each and (each.each if mapped else each.tensor) for each in given)

    tensors = [each.each if mapped else each.tensor for each in (y, *inputs)]
    return Samples(bind(identity.custom_gradient, *tensors, rule=again), mapped, y.replay)
