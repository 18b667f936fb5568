"""Layers that make one array of several, which they get as one tuple or list."""

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.initializers.distributions import uniform
from gradiente.nn.dtypes import array, floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.functions import Tensor, m


class Add(Module):
    """y = x₁ + x₂ + …, of shapes that broadcast.

    xs: a tuple or list of arrays. Raises `TypeMismatchError` for anything else, `ShapeError` for
    shapes that do not broadcast.
    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.add, xs)

    def __repr__(self) -> str:
        return written(self)


class Multiply(Module):
    """y = x₁ · x₂ · …, elementwise, of shapes that broadcast; inputs and errors as of `Add`.

    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.multiply, xs)

    def __repr__(self) -> str:
        return written(self)


class Subtract(Module):
    """y = x₁ - x₂ of two arrays, of shapes that broadcast; errors as of `Add`.

    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.subtract, _two(self, xs))

    def __repr__(self) -> str:
        return written(self)


class Average(Module):
    """y = (x₁ + … + xₙ) / n, of shapes that broadcast; inputs and errors as of `Add`.

    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.add, xs) / len(xs)

    def __repr__(self) -> str:
        return written(self)


class Maximum(Module):
    """y = max(x₁, x₂, …), elementwise, of shapes that broadcast; inputs and errors as of `Add`.

    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.maximum, xs)

    def __repr__(self) -> str:
        return written(self)


class Minimum(Module):
    """y = min(x₁, x₂, …), elementwise, of shapes that broadcast; inputs and errors as of `Add`.

    Source: Keras.
    """

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _folded(self, m.minimum, xs)

    def __repr__(self) -> str:
        return written(self)


class Concatenate(Module):
    """y = [x₁, x₂, …], the inputs joined along an axis, the last by default.

    xs: a tuple or list of arrays whose other axes agree; their data types are promoted. Raises
    `TypeMismatchError` for anything else, `ShapeError` for shapes that do not fit.
    Source: Keras.
    """

    def __init__(self, axis: int = -1):
        self.axis = _axis(axis)

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _joined(self, xs, self.axis)

    def __repr__(self) -> str:
        return written(self, axis=(self.axis, -1))


class Dot(Module):
    """y[n, ..., ...] = Σₖ a[n, ..., k] b[n, ..., k]: sums of products, for each sample.

    xs: a tuple or list of two arrays; axis: the one that is summed over, the last by default, or
    two, one for each; normalize: divide each vector by its length first, for the cosine of angles.
    a: (batch, ..., k), b: (batch, ..., k) -> y: (batch, *others of a, *others of b), or (batch, 1)
    if there are none, as Keras.

    Raises `ShapeError` unless both have as many samples and the axes are of the same length.
    Source: Keras.
    """

    def __init__(self, axis: int | tuple[int, int] = -1, *, normalize: bool = False):
        pair = axis if isinstance(axis, tuple) else (axis, axis)
        if len(pair) != 2:
            raise InvalidArgumentError(f"`axis` is {axis!r}: it must be one axis or two.")
        self.axes = (_axis(pair[0]), _axis(pair[1]))
        self.normalize = normalize

    def __call__(self, xs: Sequence[Any]) -> Any:
        arrays = [floating(x, axes=2) for x in _two(self, xs)]
        for x, axis in zip(arrays, self.axes, strict=True):
            _without(axis, tuple(x.shape))
        a, b = (m.moveaxis(x, axis, -1) for x, axis in zip(arrays, self.axes, strict=True))
        if (a.shape[0], a.shape[-1]) != (b.shape[0], b.shape[-1]) or 0 in _places(
            self.axes, arrays
        ):
            raise ShapeError(
                f"{self!r} needs as many samples, and axes of one length to sum over, got "
                f"{_shapes(arrays)}." + current_source().explain()
            )
        if self.normalize:
            a, b = _unit(a), _unit(b)
        samples, length = a.shape[0], a.shape[-1]
        ours, theirs = tuple(a.shape[1:-1]), tuple(b.shape[1:-1])
        first = m.reshape(a, (samples, math.prod(ours), length))
        second = m.reshape(b, (samples, math.prod(theirs), length))
        y = first @ m.swapaxes(second, 1, 2)
        return m.reshape(y, (samples, *((*ours, *theirs) or (1,))))

    def __repr__(self) -> str:
        axis = self.axes[0] if self.axes[0] == self.axes[1] else self.axes
        return written(self, axis=(axis, -1), normalize=(self.normalize, False))


class Bilinear(Module):
    """yₖ = Σᵢⱼ aᵢ Wₖᵢⱼ bⱼ + cₖ for two inputs a and b.

    xs: a tuple or list of both. a: (..., n), b: (..., p) -> y: (..., units); weight:
    (units, n, p), uniform within ±1/√n at first; bias: (units,), likewise, absent with
    `use_bias=False`; all as in PyTorch.

    Raises `InvalidArgumentError` for units below 1, `ShapeError` unless the inputs agree in all
    axes but the last.
    Source: PyTorch.
    """

    def __init__(self, units: int, *, use_bias: bool = True):
        self.units = check_count("units", units, at_least=1)
        self.use_bias = use_bias
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, xs: Sequence[Any]) -> Any:
        a, b = (floating(x, axes=1) for x in _two(self, xs))
        if a.shape[:-1] != b.shape[:-1]:
            raise ShapeError(
                f"{self!r} needs two inputs that agree in all axes but the last, got "
                f"{_shapes((a, b))}." + current_source().explain()
            )
        n, p = a.shape[-1], b.shape[-1]
        start = partial(uniform, low=-(n**-0.5), high=n**-0.5)
        weight = self.parameter("weight", (self.units, n, p), start, a.dtype)
        # (..., n) (n, units · p) -> (..., units, p), then the sum over p
        flat = m.reshape(m.transpose(weight, (1, 0, 2)), (n, self.units * p))
        partly = m.reshape(a @ flat, (*a.shape[:-1], self.units, p))
        y = m.sum(partly * m.expand_dims(b, -2), axis=-1)
        if not self.use_bias:
            return y
        return y + self.parameter("bias", (self.units,), start, a.dtype)

    def __repr__(self) -> str:
        return written(self, self.units, use_bias=(self.use_bias, True))


def _joined(layer: Module, xs: Any, axis: int) -> Any:
    """The arrays one after the other along an axis, or an error in the name of the layer."""
    arrays = [array(x, axes=1) for x in _several(layer, xs)]
    first = tuple(arrays[0].shape)
    for x in arrays[1:]:
        if _without(axis, tuple(x.shape)) != _without(axis, first):
            raise ShapeError(
                f"{layer!r} needs inputs that agree in all axes but the one it joins, got "
                f"{_shapes(arrays)}." + current_source().explain()
            )
    return m.concatenate(arrays, axis=axis)


def _several(layer: Module, xs: Any) -> Sequence[Any]:
    if isinstance(xs, list | tuple) and xs:
        return xs
    if isinstance(xs, np.ndarray | Tensor):
        came = "one array"
    else:
        came = f"an empty {type(xs).__name__}" if xs in ((), []) else type(xs).__name__
    raise TypeMismatchError(
        f"{layer!r} takes a tuple or list of arrays, got {came}." + current_source().explain()
    )


def _two(layer: Module, xs: Any) -> Sequence[Any]:
    if len(_several(layer, xs)) == 2:
        return xs
    raise ShapeError(f"{layer!r} takes two arrays, got {len(xs)}." + current_source().explain())


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(tuple(x.shape)) for x in arrays)


def _places(axes: Sequence[int], arrays: Sequence[Any]) -> list[int]:
    """Each axis counted from the front."""
    return [axis % x.ndim for axis, x in zip(axes, arrays, strict=True)]


def _unit(x: Any) -> Any:
    """Vectors of length 1 along the last axis; those of length 0 stay."""
    return x * m.rsqrt(m.maximum(m.sum(x * x, axis=-1, keepdims=True), 1e-12))


def _folded(layer: Module, function: Callable[[Any, Any], Any], xs: Any) -> Any:
    arrays = [floating(x) for x in _several(layer, xs)]
    try:
        np.broadcast_shapes(*(tuple(x.shape) for x in arrays))
    except ValueError:
        raise ShapeError(
            f"{layer!r} needs shapes that broadcast together, got {_shapes(arrays)}."
            + current_source().explain()
        ) from None
    return reduce(function, arrays)


def _axis(axis: Any) -> int:
    if isinstance(axis, int | np.integer) and not isinstance(axis, bool):
        return int(axis)
    raise InvalidArgumentError(f"`axis` is {axis!r}: it must be a whole number.")


def _without(axis: int, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """The lengths of all axes but one."""
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(
            f"axis {axis} does not exist in an input of shape {shape}." + current_source().explain()
        )
    place = axis % len(shape)
    return tuple(None if i == place else length for i, length in enumerate(shape))
