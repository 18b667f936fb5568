"""Softmax and its relatives, along one axis."""

from typing import Any

from gradiente.ops import composite
from gradiente.trace.axes import one_axis, shape_of
from gradiente.trace.tensor import bind, floating, function


@function()
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x): positive numbers that sum to 1 along the axis."""
    return bind(composite.softmax, floating(x), axis=one_axis(axis, len(shape_of(x))))


@function()
def log_softmax(x: Any, axis: int = -1) -> Any:
    """x - log Σ exp(x): the logarithm of softmax, without under- or overflow."""
    return bind(composite.log_softmax, floating(x), axis=one_axis(axis, len(shape_of(x))))


@function()
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """-log softmax(logits)[label] for integer labels; one value for each row.

    logits: (…, classes); labels: (…), integers in [0, classes).
    """
    return bind(composite.softmax_cross_entropy, floating(logits), labels)
