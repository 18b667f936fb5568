"""Layers that make the axes between samples and channels longer or shorter."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.nn.convolution import Sizes, axes_of, checked_sizes
from gradiente.nn.dtypes import array, floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.convolution import per_axis
from gradiente.trace.functions import m

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
Ends = int | tuple[int | tuple[int, int], ...]


class Pad(Module):
    """y[n, i, c] = x[n, i - p, c], and elements added at the ends of each axis of lengths.

    padding: how many; a number for all ends, or for each axis a number or (before, after).
    mode: "constant", which adds `value`; "reflect", x mirrored without its edge; "replicate", the
    edge again; "circular", x as if it were a ring: the pads of PyTorch.
    x: (n, *lengths, channels) -> y: (n, *longer, channels), of the data type of x.

    Raises `InvalidArgumentError` for other arguments, `ShapeError` if x is too short to mirror.
    Source: PyTorch.
    """

    def __init__(self, padding: Ends, mode: str = "constant", *, value: float = 0.0):
        self.padding = _checked_ends("padding", padding)
        self.mode = check_choice("mode", mode, tuple(MODES))
        self.value = check_number("value", value)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        pairs = _pairs(self, x, self.padding)
        if self.mode == "constant":
            value = np.asarray(self.value).astype(x.dtype)[()]
            return m.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=value)
        least = {"reflect": 1, "replicate": 1 - max(map(max, pairs)), "circular": 0}[self.mode]
        short = any(n < max(pair) + least for n, pair in zip(x.shape[1:-1], pairs, strict=True))
        if short or 0 in x.shape[1:-1]:
            raise ShapeError(
                f"{self!r} takes what it adds from x, which is too short for that: its shape is "
                f"{tuple(x.shape)}." + current_source().explain()
            )
        return m.pad(x, [(0, 0), *pairs, (0, 0)], mode=MODES[self.mode])

    def __repr__(self) -> str:
        return written(self, self.padding, mode=(self.mode, "constant"), value=(self.value, 0.0))


class Crop(Module):
    """y[n, i, c] = x[n, i + p, c]: elements cut off at the ends of each axis of lengths.

    cropping: how many; a number for all ends, or for each axis a number or (before, after).
    x: (n, *lengths, channels) -> y: (n, *shorter, channels), of the data type of x.

    Raises `InvalidArgumentError` for other arguments, `ShapeError` if nothing would be left.
    Source: Keras.
    """

    def __init__(self, cropping: Ends):
        self.cropping = _checked_ends("cropping", cropping)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        pairs = _pairs(self, x, self.cropping)
        ends = [(a, n - b) for n, (a, b) in zip(x.shape[1:-1], pairs, strict=True)]
        if any(start >= stop for start, stop in ends):
            raise ShapeError(
                f"{self!r} leaves nothing of an input of shape {tuple(x.shape)}."
                + current_source().explain()
            )
        return x[(slice(None), *(slice(*end) for end in ends))]

    def __repr__(self) -> str:
        return written(self, self.cropping)


class Upsample(Module):
    """y[n, i, c] = x[n, ⌊i / factor⌋, c], or interpolated: each axis of lengths made longer.

    factor: one for all axes, or one for each. mode: "nearest" repeats each element; "linear"
    interpolates along every axis, in two dimensions bilinear, in three trilinear. align_corners:
    whether the first and last elements stay at the ends; else element i stands at (i + ½) factor,
    and beyond the outermost ones is their value, as in PyTorch and Keras.
    x: (n, *lengths, channels) -> y: (n, *lengths · factor, channels)

    Raises `InvalidArgumentError` for other arguments, `ShapeError` for x of other axes.
    Source: PyTorch.
    """

    def __init__(self, factor: Sizes = 2, mode: str = "nearest", *, align_corners: bool = False):
        self.factor = checked_sizes("factor", factor)
        self.mode = check_choice("mode", mode, ("nearest", "linear"))
        self.align_corners = align_corners

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        rank = axes_of(self, x, self.factor)
        for axis, factor in enumerate(per_axis("factor", self.factor, rank), 1):
            if self.mode == "nearest":
                x = m.repeat(x, factor, axis=axis)
            elif factor > 1:
                x = self._interpolated(x, axis, factor)
        return x

    def _interpolated(self, x: Any, axis: int, factor: int) -> Any:
        length = x.shape[axis]
        places = np.arange(length * factor)
        if self.align_corners:
            at = places * ((length - 1) / max(length * factor - 1, 1))
        else:
            at = np.clip((places + 0.5) / factor - 0.5, 0, max(length - 1, 0))
        lower = np.minimum(at.astype(int), max(length - 1, 0))
        upper = np.minimum(lower + 1, max(length - 1, 0))
        share = (at - lower).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
        return m.take(x, lower, axis=axis) * (1 - share) + m.take(x, upper, axis=axis) * share

    def __repr__(self) -> str:
        return written(
            self,
            self.factor,
            mode=(self.mode, "nearest"),
            align_corners=(self.align_corners, False),
        )


class PixelShuffle(Module):
    """y[n, i r + a, j r + b, c] = x[n, i, j, (c r + a) r + b]: channels become places.

    factor r; the order of channels is that of PyTorch, here for any number d of axes.
    x: (n, *lengths, c · rᵈ) -> y: (n, *lengths · r, c)
    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", CVPR 2016.

    Raises `InvalidArgumentError` for a factor below 1, `ShapeError` if channels do not divide.
    """

    def __init__(self, factor: int):
        self.factor = check_count("factor", factor, at_least=1)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        rank, r = axes_of(self, x, self.factor), self.factor
        samples, *lengths, channels = x.shape
        if channels % r**rank:
            raise ShapeError(
                f"{self!r} needs channels that are divided by {r**rank}; the shape is "
                f"{tuple(x.shape)}." + current_source().explain()
            )
        apart = m.reshape(x, (samples, *lengths, channels // r**rank, *(r,) * rank))
        pairs = [axis for i in range(1, rank + 1) for axis in (i, rank + 1 + i)]
        mixed = m.transpose(apart, (0, *pairs, rank + 1))
        return m.reshape(mixed, (samples, *(n * r for n in lengths), channels // r**rank))

    def __repr__(self) -> str:
        return written(self, self.factor)


class PixelUnshuffle(Module):
    """y[n, i, j, (c r + a) r + b] = x[n, i r + a, j r + b, c]: the inverse of `PixelShuffle`.

    x: (n, *lengths · r, c) -> y: (n, *lengths, c · rᵈ)
    Raises `InvalidArgumentError` for a factor below 1, `ShapeError` if lengths do not divide.
    Source: PyTorch.
    """

    def __init__(self, factor: int):
        self.factor = check_count("factor", factor, at_least=1)

    def __call__(self, x: Any) -> Any:
        x = array(x, axes=1)
        rank, r = axes_of(self, x, self.factor), self.factor
        samples, *lengths, channels = x.shape
        if any(n % r for n in lengths):
            raise ShapeError(
                f"{self!r} needs lengths that are divided by {r}; the shape is {tuple(x.shape)}."
                + current_source().explain()
            )
        blocks = [length for n in lengths for length in (n // r, r)]
        apart = m.reshape(x, (samples, *blocks, channels))
        outer, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        mixed = m.transpose(apart, (0, *outer, 2 * rank + 1, *inner))
        return m.reshape(mixed, (samples, *(n // r for n in lengths), channels * r**rank))

    def __repr__(self) -> str:
        return written(self, self.factor)


def _checked_ends(name: str, given: Any) -> Any:
    """A number for all ends, or for each axis a number or a pair, checked."""
    if not isinstance(given, tuple | list):
        return check_count(name, given)
    if any(isinstance(each, tuple | list) and len(each) != 2 for each in given):
        raise InvalidArgumentError(
            f"`{name}` is {given!r}: for each axis it takes a number or (before, after)."
        )
    return tuple(
        (check_count(name, each[0]), check_count(name, each[1]))
        if isinstance(each, tuple | list)
        else check_count(name, each)
        for each in given
    )


def _pairs(layer: Module, x: Any, ends: Any) -> list[tuple[int, int]]:
    """(before, after) for each axis between samples and channels."""
    rank = axes_of(layer, x, ends)
    each = ends if isinstance(ends, tuple) else (ends,) * rank
    return [n if isinstance(n, tuple) else (n, n) for n in each]
