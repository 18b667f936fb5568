"""All axes of a sample in one."""

import math
from typing import Any

from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.nn.dtypes import array
from gradiente.nn.module import Module
from gradiente.trace.functions import m


class Flatten(Module):
    """y = x with all axes but the first in one, in row-major order.

    x: (batch, ...) -> y: (batch, features)

    Raises `ShapeError` for a number without axes, `TypeMismatchError` for several arrays.

    Source: none.
    """

    def __call__(self, x: Any) -> Any:
        x = array(x)
        if not x.shape:
            raise ShapeError(
                "Flatten needs an array with samples along the first axis, got a single number."
                + current_source().explain()
            )
        return m.reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def __repr__(self) -> str:
        return "Flatten()"
