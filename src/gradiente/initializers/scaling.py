"""Weights whose width follows from their shape, so that signals keep their size through layers.

The *fans* are how many inputs one output sums over, and how many outputs one input feeds: for a
dense weight its shape (inputs, outputs); for a convolution kernel (height, width, inputs, outputs)
the channels times the size of the window.
"""

import math
from typing import Any

from gradiente.base.arguments import check_choice, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.initializers.distributions import truncated_normal
from gradiente.initializers.initializer import INITIALIZERS, Array, Shape, declare
from gradiente.trace import random

TRUNCATED_DEVIATION = 0.8796256610342398  # of standard normal numbers within ±2


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight of shape (..., inputs, outputs).

    Raises `InvalidArgumentError` for fewer than two axes.
    """
    if len(shape) < 2:
        raise InvalidArgumentError(
            f"a parameter of shape {shape} has no inputs and outputs to scale by: "
            "use `zeros`, `constant` or `normal` for it."
        )
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


@declare
def glorot_uniform(key: Any, shape: Shape, dtype: Any, *, gain: float = 1.0) -> Array:
    """w ~ U[−a, a),   a = gain · √(6 / (fan_in + fan_out));   Var w = 2 gain² / (fan_in + fan_out)

    Keeps the size of signals and of gradients in layers with tanh or without activation. Also
    known as Xavier. Raises `InvalidArgumentError` for fewer than two axes.

    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.
    """
    return _uniform(key, shape, dtype, _glorot_deviation(shape, gain))


@declare
def glorot_normal(key: Any, shape: Shape, dtype: Any, *, gain: float = 1.0) -> Array:
    """w ~ N(0, σ²),   σ = gain · √(2 / (fan_in + fan_out))

    As `glorot_uniform`, with normal numbers. Also known as Xavier.

    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.
    """
    return random.normal(key, shape, dtype, 0.0, _glorot_deviation(shape, gain))


@declare
def he_uniform(
    key: Any, shape: Shape, dtype: Any, *, negative_slope: float = 0.0, fan: str = "inputs"
) -> Array:
    """w ~ U[−a, a),   a = √(6 / ((1 + s²) fan))

    Keeps the size of signals (fan "inputs") or of gradients (fan "outputs") in layers with ReLU,
    or leaky ReLU of negative_slope s. Also known as Kaiming. Raises `InvalidArgumentError` for
    fewer than two axes.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    return _uniform(key, shape, dtype, _he_deviation(shape, negative_slope, fan))


@declare
def he_normal(
    key: Any, shape: Shape, dtype: Any, *, negative_slope: float = 0.0, fan: str = "inputs"
) -> Array:
    """w ~ N(0, σ²),   σ = √(2 / ((1 + s²) fan))

    As `he_uniform`, with normal numbers (not truncated, as in PyTorch). Also known as Kaiming.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    return random.normal(key, shape, dtype, 0.0, _he_deviation(shape, negative_slope, fan))


@declare
def lecun_uniform(key: Any, shape: Shape, dtype: Any) -> Array:
    """w ~ U[−a, a),   a = √(3 / fan_in);   Var w = 1 / fan_in

    Keeps the size of signals in layers without activation, or with SELU. Raises
    `InvalidArgumentError` for fewer than two axes.

    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient backprop", 1998.
    """
    return _uniform(key, shape, dtype, _deviation(1.0, fans(shape)[0]))


@declare
def lecun_normal(key: Any, shape: Shape, dtype: Any) -> Array:
    """w ~ N(0, σ²),   σ = √(1 / fan_in)

    As `lecun_uniform`, with normal numbers (not truncated).

    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient backprop", 1998.
    """
    return random.normal(key, shape, dtype, 0.0, _deviation(1.0, fans(shape)[0]))


@declare
def variance_scaling(
    key: Any,
    shape: Shape,
    dtype: Any,
    *,
    scale: float = 1.0,
    fan: str = "inputs",
    distribution: str = "truncated_normal",
) -> Array:
    """w ~ N(0, σ²), N(0, σ²) within ±2 σ′, or U[−√3 σ, √3 σ);   σ = √(scale / fan)

    fan: "inputs", "outputs", or "average", the mean of both; distribution: "normal",
    "truncated_normal" or "uniform". σ′ = σ / 0.88, so that σ is the standard deviation of what is
    left after the truncation. The general form of all of this file, with the defaults of Keras.
    Raises `InvalidArgumentError` for a scale of 0 or less and fewer than two axes.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    scale = check_number("scale", scale, above=0)
    inputs, outputs = fans(shape)
    fan = check_choice("fan", fan, ("inputs", "outputs", "average"))
    size = {"inputs": inputs, "outputs": outputs, "average": (inputs + outputs) / 2}[fan]
    deviation = _deviation(scale, size)
    kinds = ("normal", "truncated_normal", "uniform")
    distribution = check_choice("distribution", distribution, kinds)
    if distribution == "uniform":
        return _uniform(key, shape, dtype, deviation)
    if distribution == "normal":
        return random.normal(key, shape, dtype, 0.0, deviation)
    return truncated_normal.draw(key, shape, dtype, std=deviation / TRUNCATED_DEVIATION)


# The names that PyTorch has for the same.
xavier_uniform = glorot_uniform
"""Another name of `glorot_uniform`."""

xavier_normal = glorot_normal
"""Another name of `glorot_normal`."""

kaiming_uniform = he_uniform
"""Another name of `he_uniform`."""

kaiming_normal = he_normal
"""Another name of `he_normal`."""

INITIALIZERS.update(
    xavier_uniform=glorot_uniform,
    xavier_normal=glorot_normal,
    kaiming_uniform=he_uniform,
    kaiming_normal=he_normal,
)


def _uniform(key: Any, shape: Shape, dtype: Any, deviation: float) -> Array:
    """Uniform numbers of mean zero and the given standard deviation."""
    bound = math.sqrt(3) * deviation
    return random.uniform(key, shape, dtype, -bound, bound)


def _glorot_deviation(shape: Shape, gain: float) -> float:
    gain = check_number("gain", gain, above=0)
    return gain * _deviation(2.0, sum(fans(shape)))


def _he_deviation(shape: Shape, negative_slope: float, fan: str) -> float:
    negative_slope = check_number("negative_slope", negative_slope)
    which = ("inputs", "outputs").index(check_choice("fan", fan, ("inputs", "outputs")))
    return _deviation(2.0 / (1 + negative_slope**2), fans(shape)[which])


def _deviation(variance: float, fan: float) -> float:
    """√(variance / fan); a weight without elements has no fan, and needs no width."""
    return math.sqrt(variance / max(fan, 1))
