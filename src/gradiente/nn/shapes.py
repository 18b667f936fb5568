"""Layers that give the axes of each sample another form, and one for any function."""

import math
from collections.abc import Callable
from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.nn.dtypes import array
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.nn.sequential import checked_layers
from gradiente.trace.functions import m


class Reshape(Module):
    """y[n] = x[n] in another shape, in row-major order: `nn.Reshape(7, 7, -1)`.

    lengths: of the axes of a sample, the samples not counted; one may be -1, which is found out.
    x: (batch, ...) -> y: (batch, *lengths)

    Raises `InvalidArgumentError` for other lengths, `ShapeError` if the elements do not fit.
    Source: Keras.
    """

    def __init__(self, *lengths: int):
        self.lengths = _lengths(lengths)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        inner = _fitted(self, math.prod(x.shape[1:]), self.lengths, tuple(x.shape))
        return m.reshape(x, (x.shape[0], *inner))

    def __repr__(self) -> str:
        return written(self, *self.lengths)


class Unflatten(Module):
    """y[…, i, j, …] = x[…, i m + j, …]: one axis divided into several, in row-major order.

    lengths: of the axes it becomes; one may be -1. axis: which, the last by default.
    x: (..., n, ...) -> y: (..., *lengths, ...) with n = the product of the lengths.

    Raises `InvalidArgumentError` for other lengths, `ShapeError` if they do not fit, or for an axis
    that does not exist.
    Source: PyTorch.
    """

    def __init__(self, lengths: tuple[int, ...], axis: int = -1):
        self.lengths = _lengths(tuple(lengths))
        self.axis = axis

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        if not -x.ndim <= self.axis < x.ndim:
            raise ShapeError(
                f"{self!r} divides axis {self.axis}, which an input of shape {tuple(x.shape)} does "
                "not have." + current_source().explain()
            )
        axis = self.axis % x.ndim
        inner = _fitted(self, x.shape[axis], self.lengths, tuple(x.shape))
        return m.reshape(x, (*x.shape[:axis], *inner, *x.shape[axis + 1 :]))

    def __repr__(self) -> str:
        return written(self, self.lengths, axis=(self.axis, -1))


class Permute(Module):
    """y[n, i, j] = x[n, j, i], or any other order of the axes of a sample: `nn.Permute(2, 1)`.

    axes: counted from 1, since the samples, axis 0, stay in front; as Keras.

    Raises `InvalidArgumentError` unless these are 1, 2, … in some order, `ShapeError` for x of
    another number of axes.
    Source: Keras.
    """

    def __init__(self, *axes: int):
        if not axes or sorted(axes) != list(range(1, len(axes) + 1)):
            raise InvalidArgumentError(
                f"Permute{axes!r}: the axes of a sample are 1, 2, … and each must come once."
            )
        self.axes = axes

    def __call__(self, x: Any) -> Any:
        x = array(x)
        if x.ndim != len(self.axes) + 1:
            raise ShapeError(
                f"{self!r} takes samples of {len(self.axes)} axes, got shape {tuple(x.shape)}."
                + current_source().explain()
            )
        return m.transpose(x, (0, *self.axes))

    def __repr__(self) -> str:
        return written(self, *self.axes)


class RepeatVector(Module):
    """y[n, t] = x[n] for every t: (batch, ...) -> (batch, times, ...)

    For what looks at one vector at every step of a sequence, as a decoder. As Keras.
    Raises `InvalidArgumentError` for times below 1.
    Source: Keras.
    """

    def __init__(self, times: int):
        self.times = check_count("times", times, at_least=1)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        return m.broadcast_to(m.expand_dims(x, 1), (x.shape[0], self.times, *x.shape[1:]))

    def __repr__(self) -> str:
        return written(self, self.times)


class Lambda(Module):
    """y = f(x): any function without parameters as a layer, so that a summary lists it.

    `Sequential` takes functions as they are; this is for where a Module is needed.
    Raises `TypeMismatchError` for what cannot be called.
    Source: Keras.
    """

    def __init__(self, function: Callable[[Any], Any]):
        checked_layers("Lambda", (function,))
        self.function = function

    def __call__(self, x: Any) -> Any:
        return self.function(x)

    def __repr__(self) -> str:
        return written(self, self.function)


def _lengths(lengths: tuple[int, ...]) -> tuple[int, ...]:
    checked = tuple(n if n == -1 else check_count("lengths", n) for n in lengths)
    if checked.count(-1) > 1:
        raise InvalidArgumentError(f"`lengths` is {lengths}: only one can be found out, by -1.")
    return checked


def _fitted(
    layer: Module, count: int, lengths: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
    """The lengths, with -1 found out, for so many elements."""
    known = math.prod(n for n in lengths if n != -1)
    fits = known and count % known == 0 if -1 in lengths else known == count
    if not fits:
        raise ShapeError(
            f"{layer!r} needs a number of elements that fits; {count}, of an input of shape "
            f"{shape}, do not." + current_source().explain()
        )
    return tuple(count // known if n == -1 else n for n in lengths)
