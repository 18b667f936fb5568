"""Options of an optimizer that may follow a schedule, as the learning rate does."""

from collections.abc import Callable

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.optimizer import Array, like

Scheduled = float | Callable[[Array], Array]
"""A number, or a function of the number of updates done so far, such as a schedule."""


def check_scheduled(
    name: str, value: Scheduled, *, at_least: float | None = None, below: float | None = None
) -> Scheduled:
    """A function as it is, a number if it is within its bounds."""
    if callable(value):
        return value
    return check_number(name, value, at_least=at_least, below=below)


def value_at(value: Scheduled, step: Array) -> Array:
    """The number in force: a Python number stays one, a function gives a float64 scalar."""
    return np.float64(1.0) * value(step) if callable(value) else value


def times(value: Array, array: Array) -> Array:
    """A number of `value_at` times an array, in the data type of the array."""
    return (value if isinstance(value, float) else like(value, array)) * array


def is_zero(value: Array) -> bool:
    """True for a plain number that is zero, which needs no computation."""
    return isinstance(value, float) and value == 0.0
