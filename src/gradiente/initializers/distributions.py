"""Parameters drawn from a distribution of given width, whatever their shape."""

import math
from typing import Any

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.initializers.initializer import Array, Shape, declare
from gradiente.trace import random


@declare
def normal(key: Any, shape: Shape, dtype: Any, *, mean: float = 0.0, std: float = 1.0) -> Array:
    """w ~ N(mean, std²). Raises `InvalidArgumentError` for a negative std. Source: none."""
    mean = check_number("mean", mean)
    std = check_number("std", std, at_least=0)
    return random.normal(key, shape, dtype, mean, std)


@declare
def uniform(key: Any, shape: Shape, dtype: Any, *, low: float = -1.0, high: float = 1.0) -> Array:
    """w ~ U[low, high). Raises `InvalidArgumentError` if high is below low. Source: none."""
    low = check_number("low", low)
    high = check_number("high", high, at_least=low)
    return random.uniform(key, shape, dtype, low, high)


@declare
def truncated_normal(
    key: Any,
    shape: Shape,
    dtype: Any,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
) -> Array:
    """w = mean + std · z,   z ~ N(0, 1) given that low ≤ z ≤ high.

    z = Φ⁻¹(u) with u uniform in [Φ(low), Φ(high)). The standard deviation of w is less than std:
    0.88 of it for the default bounds. Raises `InvalidArgumentError` for a negative std, or for
    bounds that leave nothing.

    Source: none.
    """
    from scipy.special import ndtri  # heavy, and needed by this function only

    mean = check_number("mean", mean)
    std = check_number("std", std, at_least=0)
    below, above = (_normal_probability(check_number("bound", bound)) for bound in (low, high))
    if not below < above:
        raise InvalidArgumentError(
            f"`low` is {low} and `high` is {high}: low must be below high, and both within reach "
            "of a standard normal number (about ±8)."
        )
    probability = random.uniform(key, shape, "float64", below, above)
    inside = ndtri(probability).clip(low, high)  # rounding may step over a bound
    return (mean + std * inside).astype(dtype)


def _normal_probability(z: float) -> float:
    """Φ(z), the probability of a standard normal number below z."""
    return math.erfc(-z / math.sqrt(2)) / 2
