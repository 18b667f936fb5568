"""Random numbers as pure functions of a key: `uniform`, `normal`, `bernoulli`.

A key is two uint32 words. `key(seed)` makes one, `fold_in(key, number)` derives another, so that a
layer at a step draws from `fold_in(fold_in(key(seed), step), layer)`.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError
from gradiente.base.source import current_source
from gradiente.ops import random as table
from gradiente.trace.axes import as_shape
from gradiente.trace.tensor import bind, m

Shape = int | tuple[int, ...]
TWO_PI = 2.0 * math.pi


def key(seed: int) -> np.ndarray:
    """The key of a seed: any integer, of which the low 64 bits count."""
    seed = int(seed) % 2**64
    return np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32)


def fold_in(key: Any, number: Any) -> Any:
    """An independent key from a key and an integer."""
    return bind(table.fold_in, key, number)


def bits(key: Any, shape: Shape) -> Any:
    """Uniform uint32 words."""
    return bind(table.random_bits, key, shape=as_shape(shape))


def uniform(
    key: Any, shape: Shape = (), dtype: Any = np.float32, low: Any = 0.0, high: Any = 1.0
) -> Any:
    """Uniform numbers in [low, high): 24 random bits for float32, 53 for float64."""
    shape = as_shape(shape)
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeMismatchError(
            f"random numbers are float32 or float64, not {np.dtype(dtype)}; convert them with "
            "`.astype(...)`." + current_source().explain()
        )
    if np.dtype(dtype) == np.float64:
        words = bits(key, (*shape, 2))
        upper = m.cast(words[..., 0] >> 5, np.float64)
        lower = m.cast(words[..., 1] >> 6, np.float64)
        unit = (upper * 2.0**26 + lower) * 2.0**-53
    else:
        unit = m.cast(bits(key, shape) >> 8, dtype) * 2.0**-24
    return unit * (high - low) + low


def normal(
    key: Any, shape: Shape = (), dtype: Any = np.float32, mean: Any = 0.0, std: Any = 1.0
) -> Any:
    """Normal numbers by Box and Muller: √(-2 log(1 - u)) cos(2π v)."""
    radius = m.sqrt(-2.0 * m.log1p(-uniform(fold_in(key, 0), shape, dtype)))
    return radius * m.cos(TWO_PI * uniform(fold_in(key, 1), shape, dtype)) * std + mean


def bernoulli(key: Any, probability: Any, shape: Shape = ()) -> Any:
    """True with the given probability."""
    return uniform(key, shape, np.float32) < probability
