"""Functions that losses are made of, exact where their textbook form overflows or cancels."""

import math

import numpy as np

from gradiente.base.batch import Array
from gradiente.gradient.control import stop_gradient
from gradiente.trace.functions import m

LOG_TWO_PI = math.log(2.0 * math.pi)
LOWEST_LOG = -100.0

# log Γ(x) = (x - ½) log x - x + ½ log 2π + Σ cᵢ x¹⁻²ⁱ; the terms below 1e-16 where x >= SHIFT.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
SHIFT = 8


def log_floored(x: Array) -> Array:
    """log x, but at least -100, as in `torch.nn.BCELoss`; the gradient is 0 where x <= 0."""
    positive = x > 0
    value = m.log(np.where(positive, x, np.ones((), x.dtype)))
    return np.where(positive, np.maximum(value, LOWEST_LOG), LOWEST_LOG)


def times_log(x: Array) -> Array:
    """x log x, which is 0 at 0."""
    return x * m.log(np.where(x > 0, x, np.ones((), x.dtype)))


def at_least(x: Array, bound: float) -> Array:
    """max(x, bound) with the gradient of x everywhere, so that a value below can come back."""
    return stop_gradient(np.maximum(x, bound)) + (x - stop_gradient(x))


def norm(x: Array, smallest: float) -> Array:
    """The Euclidean length along the last axis, at least `smallest`; its gradient is 0 there."""
    return np.sqrt(np.maximum(np.sum(x * x, axis=-1), smallest * smallest))


def cosine(a: Array, b: Array, smallest: float = 1e-8) -> Array:
    """a · b / (|a| |b|) along the last axis, each length at least `smallest`."""
    return np.sum(a * b, axis=-1) / (norm(a, smallest) * norm(b, smallest))


def unit(x: Array, smallest: float = 1e-8) -> Array:
    """x divided by its length along the last axis."""
    return x / norm(x, smallest)[..., None]


def log_gamma(x: Array) -> Array:
    """log Γ(x) for x > 0: Stirling's series, for small x after shifting by Γ(x+1) = x Γ(x)."""
    small = x < SHIFT
    factors = np.where(small, x, np.ones((), x.dtype))
    product = factors
    for step in range(1, SHIFT):
        product = product * (factors + step)
    z = np.where(small, x + SHIFT, x)
    value = (z - 0.5) * m.log(z) - z + 0.5 * LOG_TWO_PI + _stirling(z)
    return value - np.where(small, m.log(product), 0.0)


def log_rising(x: Array, n: Array) -> Array:
    """log Γ(x + n) - log Γ(x) for x > 0 and n >= 0, exact also where both are huge."""
    small = x < SHIFT
    z = np.where(small, x + SHIFT, x)
    value = (z - 0.5) * m.log1p(n / z) + n * m.log(z + n) - n + _stirling(z + n) - _stirling(z)
    start = np.where(small, x, np.ones((), x.dtype))
    shifted = sum(m.log1p(n / (start + step)) for step in range(SHIFT))
    return value - np.where(small, shifted, 0.0)


def _stirling(z: Array) -> Array:
    inverse = 1.0 / z
    square = inverse * inverse
    total = STIRLING[-1] * square
    for coefficient in STIRLING[-2:0:-1]:
        total = (total + coefficient) * square
    return (total + STIRLING[0]) * inverse
