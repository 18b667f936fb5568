"""Activations that make positive numbers of sum 1 along an axis.

Losses take logits: do not put these before a cross entropy.
"""

from typing import Any

import numpy as np

from gradiente.gradient.control import stop_gradient
from gradiente.nn.activations import declare
from gradiente.trace.functions import m


@declare
def softmax(x: Any, axis: int = -1) -> Any:
    """y = eˣ / Σ eˣ along an axis. Losses take logits: do not put it before a cross entropy.

    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """
    return m.softmax(x, axis=axis)


@declare
def softmin(x: Any, axis: int = -1) -> Any:
    """y = e⁻ˣ / Σ e⁻ˣ along an axis. Source: none."""
    return m.softmax(-x, axis=axis)


@declare
def log_softmax(x: Any, axis: int = -1) -> Any:
    """y = x - log Σ eˣ along an axis. Source: none."""
    return m.log_softmax(x, axis=axis)


@declare
def sparsemax(x: Any, axis: int = -1) -> Any:
    """y = max(x - τ, 0) along an axis, with the τ that makes the sum 1: many are exactly 0.

    The nearest point of the probability simplex. Martins & Astudillo, ICML 2016.
    """
    z = x - m.max(x, axis=axis, keepdims=True)
    return m.relu(z - _sparsemax_threshold(z, axis))


def _sparsemax_threshold(z: Any, axis: int) -> Any:
    """τ with Σ max(z - τ, 0) = 1, for z whose maximum is 0; the axis keeps length 1."""
    ordered, number, total = _descending(z, axis)
    size = m.sum(1.0 + number * ordered > total, axis=axis, keepdims=True)
    # τ once more, from the elements above it: so its gradient need not pass through the sorting.
    chosen = z > (_at(total, size, axis) - 1.0) / m.cast(size, z.dtype)
    count = m.cast(m.sum(chosen, axis=axis, keepdims=True), z.dtype)
    return (m.sum(m.where(chosen, z, 0.0), axis=axis, keepdims=True) - 1.0) / count


@declare
def entmax15(x: Any, axis: int = -1) -> Any:
    """y = max(x/2 - τ, 0)² along an axis, with the τ that makes the sum 1: many are exactly 0.

    Between softmax and sparsemax. Peters, Niculae & Martins, "Sparse sequence-to-sequence
    models", ACL 2019.
    """
    z = 0.5 * (x - m.max(x, axis=axis, keepdims=True))
    return m.square(m.relu(z - _entmax15_threshold(z, axis)))


def _entmax15_threshold(z: Any, axis: int) -> Any:
    """τ with Σ max(z - τ, 0)² = 1, for z whose maximum is 0; the axis keeps length 1."""
    ordered, number, total = _descending(z, axis)
    mean = total / number
    spread = m.cumsum(ordered * ordered, axis=axis) - total * mean
    candidates = mean - m.sqrt(m.maximum(1.0 - spread, 0.0) / number)
    size = m.sum(candidates <= ordered, axis=axis, keepdims=True)
    # As for sparsemax, τ is computed again from the elements above it.
    chosen = z > _at(candidates, size, axis)
    count = m.cast(m.sum(chosen, axis=axis, keepdims=True), z.dtype)
    centre = m.sum(m.where(chosen, z, 0.0), axis=axis, keepdims=True) / count
    deviation = m.where(chosen, z - centre, 0.0)
    spread = m.sum(m.square(deviation), axis=axis, keepdims=True)
    return centre - m.sqrt((1.0 - spread) / count)


def _descending(z: Any, axis: int) -> tuple[Any, Any, Any]:
    """The elements in falling order, their places 1, 2, …, and their running sums."""
    # The maximum is 0 and τ at least -1: what lies below -1 gets nothing and may as well be -1.
    floor = stop_gradient(m.maximum(z, -1.0))
    ordered = -m.sort(-floor, axis=axis)
    shape = [1] * len(z.shape)
    shape[axis] = z.shape[axis]
    number = np.arange(1, z.shape[axis] + 1, dtype=z.dtype).reshape(shape)
    return ordered, number, m.cumsum(ordered, axis=axis)


def _at(values: Any, size: Any, axis: int) -> Any:
    """The entry at the size-th place, counted from 1."""
    return m.take_along_axis(values, size - 1, axis=axis)
