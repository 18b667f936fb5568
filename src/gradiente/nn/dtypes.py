"""What a layer makes of its input: an array of the floating-point type it computes in."""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.trace.functions import Tensor, m


def floating_dtype(x: Any) -> np.dtype:
    """float64 where the input is float64, float32 otherwise."""
    return np.dtype(np.float64 if x.dtype == np.float64 else np.float32)


def array(x: Any, axes: int = 0) -> Any:
    """An array, a Tensor, or what NumPy makes an array of, in the data type it has.

    axes: how many the layer needs at least. Raises `ShapeError` for fewer.
    """
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    if x.ndim < axes:
        raise ShapeError(
            f"this layer needs an input of at least {axes} axes, samples first; got shape "
            f"{tuple(x.shape)}." + current_source().explain()
        )
    return x


def floating(x: Any, axes: int = 0) -> Any:
    """An array, a Tensor, or what NumPy makes an array of, in float64 or float32.

    axes: how many the layer needs at least. Raises `TypeMismatchError` for what is no numbers and
    `ShapeError` for too few axes.
    """
    x = array(x)
    if x.dtype.kind not in "biuf":
        raise TypeMismatchError(
            f"a layer computes with numbers, got {x.dtype}." + current_source().explain()
        )
    x = array(x, axes)
    return m.cast(x, floating_dtype(x))
