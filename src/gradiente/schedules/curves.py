"""How a rate goes from one number to another: along a line, half a cosine, or a square root."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from gradiente.schedules.schedule import Array

Curve = Callable[[Array, Array, Array], Array]
"""(a, b, u) -> the rate at the fraction u, from 0 to 1, of the way from a to b."""

CURVES: dict[str, Curve] = {
    "cosine": lambda a, b, fraction: b + (a - b) * (1 + np.cos(math.pi * fraction)) / 2,
    "linear": lambda a, b, fraction: a + (b - a) * fraction,
    "square_root": lambda a, b, fraction: a + (b - a) * np.sqrt(fraction),
}


def through(points: Sequence[tuple[float, float]], curve: Curve, step: Array) -> Array:
    """The curve through the points (step, rate); the first rate before, the last after them."""
    rate: Array = np.full_like(step, points[-1][1])
    for (begin, a), (end, b) in reversed(list(pairwise(points))):
        # With few steps the peak can lie at or before step 0; its phase is then empty.
        if end > begin:
            fraction = np.clip((step - begin) / (end - begin), 0.0, 1.0)
        else:
            fraction = (step >= begin).astype(np.float64)
        rate = np.where(step <= end, curve(a, b, fraction), rate)
    return rate
