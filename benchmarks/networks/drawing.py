"""Random data and starting weights, made from NumPy's generator."""

import math
from collections.abc import Sequence

import numpy as np

NOISE = 0.5  # of the targets, so that there is something to learn at any time


def normal(random: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Standard normal numbers."""
    return random.standard_normal(tuple(shape), np.float32)


def scaled(random: np.random.Generator, shape: Sequence[int], gain: float = 2.0) -> np.ndarray:
    """A weight whose last axis are the outputs: the variance is gain / inputs."""
    return normal(random, shape) * np.float32(math.sqrt(gain / math.prod(shape[:-1])))


def scores(random: np.random.Generator, x: np.ndarray, outputs: int) -> np.ndarray:
    """What a linear function says of x, (rows, inputs), with noise: (rows, outputs)"""
    teacher = normal(random, (x.shape[-1], outputs)) / np.float32(math.sqrt(x.shape[-1]))
    return x @ teacher + np.float32(NOISE) * normal(random, (len(x), outputs))


def classes(random: np.random.Generator, x: np.ndarray, count: int) -> np.ndarray:
    """Which of the scores is the highest: (rows,)"""
    return scores(random, x.reshape(len(x), -1), count).argmax(axis=1).astype(np.int32)
