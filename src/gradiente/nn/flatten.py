"""All axes of a sample in one."""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.nn.module import Module
from gradiente.trace.functions import Tensor, m


class Flatten(Module):
    """x: (batch, ...) -> y: (batch, features), in row-major order.

    Raises `ShapeError` for a number without axes.
    """

    def __call__(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            x = np.asarray(x)
        if not x.shape:
            raise ShapeError(
                "Flatten needs an array with samples along the first axis, got a single number."
                + current_source().explain()
            )
        return m.reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def __repr__(self) -> str:
        return "Flatten()"
