"""Layers that tell attention, which sees a set, where in the sequence everything is."""

import math
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.initializers.distributions import normal
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module
from gradiente.trace.functions import m

BASE = 10_000.0


class SinusoidalPositions(Module):
    """y[t] = x[t] + p[t],  p[t, 2i] = sin(t / base^(2i / features)),  p[t, 2i + 1] = cos(same)

    Fixed waves, the longer the later the feature. x: (..., time, features) -> y: the same.
    base: how long the longest wave is, in units of 2π.
    Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Raises `InvalidArgumentError` unless base > 0.
    """

    def __init__(self, base: float = BASE):
        self.base = check_number("base", base, above=0)

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        time, features = x.shape[-2:]
        angles = _angles(time, features, self.base)
        waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(time, -1)
        return x + waves[:, :features].astype(x.dtype)

    def __repr__(self) -> str:
        return f"SinusoidalPositions({''.join(_changed(self.base))})"


class LearnedPositions(Module):
    """y[t] = x[t] + weight[t]: a trained vector for each place.

    places: how many there are, the greatest length of a sequence.
    x: (..., time, features) -> y: the same; weight: (places, features), standard normal at the
    start as an `Embedding`.

    Raises `InvalidArgumentError` for no places, `ShapeError` for longer sequences.

    Gehring et al., "Convolutional sequence to sequence learning", ICML 2017.
    """

    def __init__(self, places: int, weight_initializer: Initializer = normal):
        self.places = check_count("places", places, at_least=1)
        self.weight_initializer = weight_initializer
        self.weight: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        time, features = x.shape[-2:]
        if time > self.places:
            raise ShapeError(
                f"{self!r} knows {self.places} places, but {list(x.shape)} has {time}: shorten the "
                "sequences, or give more places." + current_source().explain()
            )
        shape = (self.places, features)
        return x + self.parameter("weight", shape, self.weight_initializer, x.dtype)[:time]

    def __repr__(self) -> str:
        return f"LearnedPositions({self.places})"


class RotaryPositions(Module):
    """(y[t, i], y[t, j]) = (x[t, i], x[t, j]) turned by the angle t / base^(2i / width)

    For queries and keys: their product then depends on how far they are apart, and on nothing else
    of their places. The pairs (i, j) are the first half with the second, as GPT-NeoX and Llama;
    interleaved=True: neighbours, as in the paper.
    x: (..., time, width), the width even -> y: the same.
    Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.

    Raises `InvalidArgumentError` unless base > 0, `ShapeError` for an odd width.
    """

    def __init__(self, base: float = BASE, interleaved: bool = False):
        self.base = check_number("base", base, above=0)
        self.interleaved = interleaved

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        time, width = x.shape[-2:]
        if width % 2:
            raise ShapeError(
                f"{self!r} turns pairs of features, but {list(x.shape)} has {width} of them; give "
                "every head an even width." + current_source().explain()
            )
        angles = _angles(time, width, self.base)
        cosine, sine = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
        if self.interleaved:
            first, second = x[..., ::2], x[..., 1::2]
        else:
            first, second = x[..., : width // 2], x[..., width // 2 :]
        turned = (first * cosine - second * sine, first * sine + second * cosine)
        if self.interleaved:
            return m.reshape(m.stack(turned, axis=-1), x.shape)
        return m.concatenate(turned, axis=-1)

    def __repr__(self) -> str:
        interleaved = ["interleaved=True"] if self.interleaved else []
        return f"RotaryPositions({', '.join([*_changed(self.base), *interleaved])})"


class LinearBiases(Module):
    """y[h, i, j] = x[h, i, j] - slope[h] |i - j|: scores fall with the distance (ALiBi).

    The slopes of n heads are the powers 2^(-8 h / n), h = 1 … n; of a number that is no power of
    two, those of the power below it, then every other one of twice that power, as in the paper.
    x: scores of attention, (..., heads, time, places) -> y: the same.
    Press, Smith & Lewis, "Train short, test long", ICLR 2022.
    """

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=3)
        return x + self.biases(*x.shape[-3:]).astype(x.dtype)

    def biases(self, heads: int, time: int, places: int) -> np.ndarray:
        """What is added to the scores: (heads, time, places)."""
        distance = np.abs(np.arange(time)[:, None] - np.arange(places))
        return -_slopes(heads)[:, None, None] * distance

    def __repr__(self) -> str:
        return "LinearBiases()"


def _angles(time: int, features: int, base: float) -> np.ndarray:
    """t / base^(2i / features): (time, ⌈features / 2⌉)."""
    frequencies = base ** (-np.arange(0, features, 2) / features)
    return np.arange(time)[:, None] * frequencies


def _slopes(heads: int) -> np.ndarray:
    power = 2 ** int(math.log2(heads))
    slopes = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-4.0 * np.arange(1, 2 * power + 1, 2) / power)
    return np.concatenate([slopes, between])[:heads]


def _changed(base: float) -> list[str]:
    """The base as an argument, if it is not the usual one."""
    return [] if base == BASE else [f"base={base:g}"]
