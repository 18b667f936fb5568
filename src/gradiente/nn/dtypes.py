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

    axes: how many the layer needs at least. Raises `ShapeError` for fewer, `TypeMismatchError` for
    several arrays.
    """
    if isinstance(x, tuple | list | dict):
        _refuse_several(x)
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
    for several arrays, `ShapeError` for too few axes.
    """
    x = array(x)
    if x.dtype.kind not in "biuf":
        raise TypeMismatchError(
            f"a layer computes with numbers, got {x.dtype}." + current_source().explain()
        )
    x = array(x, axes)
    return m.cast(x, floating_dtype(x))


def _refuse_several(x: Any) -> None:
    """A list of numbers is an array; arrays in a tuple or dict are several, as elsewhere."""
    parts = list(x.values()) if isinstance(x, dict) else x
    of_arrays = not isinstance(x, list) and any(isinstance(part, np.ndarray) for part in parts)
    if of_arrays or any(isinstance(part, Tensor) for part in parts):
        raise TypeMismatchError(
            f"this layer takes one array, got a {type(x).__name__} of {len(x)}: make one of them "
            "first, as with nn.Concatenate() or nn.Add()." + current_source().explain()
        )
