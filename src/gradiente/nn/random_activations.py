"""Activations that draw random numbers in training, as pure functions of (seed, step, layer).

Each is a function, for use inside a layer of one's own, and a layer that holds its settings.
"""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.gradient.control import custom_gradient
from gradiente.nn.activations import declare
from gradiente.nn.context import is_training, next_key
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.axes import one_axis
from gradiente.trace.functions import m
from gradiente.trace.random import uniform

LOWER, UPPER = 1 / 8, 1 / 3


@declare
def rrelu(x: Any, lower: float = LOWER, upper: float = UPPER) -> Any:
    """y = x where x > 0, s · x elsewhere, where in training each s is drawn from [lower, upper).

    Outside training s is the mean of the two. Xu et al., "Empirical evaluation of rectified
    activations in convolutional network", 2015. Raises `InvalidArgumentError` unless
    lower <= upper.
    """
    lower, upper = _check_range(lower, upper)
    x = floating(x)
    slope: Any = 0.5 * (lower + upper)
    if is_training():
        slope = uniform(next_key(), x.shape, x.dtype, lower, upper)
    return m.where(x > 0, x, slope * x)


class RReLU(Module):
    """y = x where x > 0, s · x elsewhere, where in training each s is drawn from [lower, upper).

    Outside training s is the mean of the two. Xu et al., "Empirical evaluation of rectified
    activations in convolutional network", 2015.

    Raises `InvalidArgumentError` unless lower <= upper.
    """

    def __init__(self, lower: float = LOWER, upper: float = UPPER):
        self.lower, self.upper = _check_range(lower, upper)

    def __call__(self, x: Any) -> Any:
        return rrelu(x, self.lower, self.upper)

    def __repr__(self) -> str:
        return written(self, self.lower, self.upper)


@declare
def gumbel_softmax(x: Any, temperature: float = 1.0, hard: bool = False, axis: int = -1) -> Any:
    """y = softmax((x + g) / temperature) along an axis, where in training g is Gumbel noise.

    That samples the categories with the probabilities softmax(x), and lets the gradient through;
    the lower the temperature, the nearer it is to one category. Outside training there is no noise.
    hard: exactly 1 for the category and 0 elsewhere, with the gradient of the soft numbers.

    Jang, Gu & Poole, ICLR 2017; Maddison, Mnih & Teh, ICLR 2017.
    Raises `InvalidArgumentError` unless temperature > 0.
    """
    temperature = check_number("temperature", temperature, above=0)
    x = floating(x, axes=1)
    if is_training():
        x = x + gumbel(next_key(), x.shape, x.dtype)
    soft = m.softmax(x / temperature, axis=axis)
    return _one_hot_straight_through(soft, axis) if hard else soft


class GumbelSoftmax(Module):
    """y = softmax((x + g) / temperature), where in training g is standard Gumbel noise.

    That samples the categories with the probabilities softmax(x), and lets the gradient through;
    the lower the temperature, the nearer y is to one category. Outside training there is no noise.
    hard: y is exactly 1 for the category and 0 elsewhere, with the gradient of the soft y.
    x, y: (..., categories), along the given axis.

    Jang, Gu & Poole, ICLR 2017; Maddison, Mnih & Teh, ICLR 2017.
    Raises `InvalidArgumentError` unless temperature > 0.
    """

    def __init__(self, temperature: float = 1.0, *, hard: bool = False, axis: int = -1):
        self.temperature = check_number("temperature", temperature, above=0)
        self.hard = hard
        self.axis = axis

    def __call__(self, x: Any) -> Any:
        return gumbel_softmax(x, self.temperature, self.hard, self.axis)

    def __repr__(self) -> str:
        settings = {"hard": (self.hard, False), "axis": (self.axis, -1)}
        return written(self, self.temperature, **settings)


def gumbel(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Standard Gumbel numbers, -log(-log u)."""
    exponential = -m.log1p(-uniform(key, shape, dtype))
    # A uniform number of 0 stands for all those below the next one: half of that is their mean.
    smallest = float(np.finfo(dtype).epsneg) / 2
    return -m.log(m.maximum(exponential, smallest))


def _check_range(lower: Any, upper: Any) -> tuple[float, float]:
    lower, upper = check_number("lower", lower), check_number("upper", upper)
    if lower > upper:
        raise InvalidArgumentError(f"RReLU needs lower <= upper, but they are {lower} and {upper}.")
    return lower, upper


def _one_hot_straight_through(soft: Any, axis: int) -> Any:
    place = one_axis(axis, soft.ndim)

    @custom_gradient
    def hard(soft: Any) -> Any:
        chosen = m.one_hot(m.argmax(soft, axis=place), soft.shape[place], soft.dtype)
        return m.moveaxis(chosen, -1, place), lambda g: g

    return hard(soft)
