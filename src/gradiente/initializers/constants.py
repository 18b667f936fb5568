"""Parameters that start at one and the same number."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.initializers.initializer import (
    INITIALIZERS,
    Array,
    Initializer,
    Shape,
    declare,
)


@declare
def zeros(key: Any, shape: Shape, dtype: Any) -> Array:
    """w = 0, for biases. Weights that start at zero learn alike and stay alike. Source: none."""
    return np.zeros(shape, dtype)


@declare
def ones(key: Any, shape: Shape, dtype: Any) -> Array:
    """w = 1, for scales. Source: none."""
    return np.ones(shape, dtype)


def constant(value: float) -> Initializer:
    """w = value; raises `InvalidArgumentError` unless it is a finite number. Source: none."""
    value = check_number("value", value)

    def draw(key: Any, shape: Shape, dtype: Any, *, value: float) -> Array:
        return np.full(shape, value, dtype)

    return Initializer("constant", draw, {"value": value})


INITIALIZERS["constant"] = constant
