"""How the prediction, target and weight arrays of one batch are made to fit together.

Everything here works on plain arrays and on traced values alike: it looks at shapes and data types
only, never at the numbers.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, TypeMismatchError

Array = Any


def align(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Bring two arrays to one shape, for comparing them element by element.

    Shapes that are equal, or that differ by one last axis of length 1 (a network's (n, 1) against
    a column of (n,) numbers), are accepted. Anything else raises `ShapeError`: broadcasting (n, 1)
    against (n,) would silently compare every sample with every other one.
    """
    if prediction.shape == target.shape:
        return prediction, target
    if prediction.shape == (*target.shape, 1):
        return prediction.reshape(target.shape), target
    if target.shape == (*prediction.shape, 1):
        return prediction, target.reshape(prediction.shape)
    raise ShapeError(
        f"prediction has shape {prediction.shape} and target has shape {target.shape}: they must "
        "be equal, or differ by one last axis of length 1. Reshape the target, or change the size "
        "of the last layer."
    )


def matched(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Prediction and target of one shape and of one floating data type: see `working_dtype`."""
    dtype = working_dtype(prediction, target)
    prediction, target = align(prediction, target)
    return prediction.astype(dtype), target.astype(dtype)


def class_labels(prediction: Array, target: Array) -> Array:
    """Integer classes of shape (n, ...) for a prediction of shape (n, ..., classes).

    A last axis of length 1 is dropped. Raises `ShapeError` or `TypeMismatchError`.
    """
    positions = tuple(prediction.shape[:-1])
    if target.shape == prediction.shape:
        raise ShapeError(
            f"prediction and {target.dtype} target both have shape {target.shape}. For one class "
            f"out of several, give its index, shape {positions}: target.argmax(axis=-1). For "
            "independent yes-no labels, use binary_cross_entropy and binary_accuracy."
        )
    if target.shape not in (positions, (*positions, 1)):
        raise ShapeError(
            f"prediction of shape {prediction.shape} needs class indices of shape {positions} or "
            f"probabilities of its own shape, but target has shape {target.shape}."
        )
    if not is_exact(target.dtype):
        raise TypeMismatchError(
            f"class indices must be integers, but target has type {target.dtype}: "
            "use target.astype(int)."
        )
    return target.reshape(positions).astype(np.int64)


def expand_weight(weight: Array, shape: tuple[int, ...]) -> Array:
    """Give `weight` the trailing axes of length 1 that let it multiply values of `shape`.

    One weight per sample has shape (n,); one per position has the first axes of `shape`; a last
    axis of length 1 too many is dropped. Anything else raises `ShapeError`.
    """
    own = tuple(weight.shape)
    if own and own[-1] == 1 and own != shape[: len(own)]:
        own = own[:-1]
    if not own or own != shape[: len(own)]:
        raise ShapeError(
            f"sample_weight has shape {weight.shape}, which does not fit values of shape {shape}: "
            f"give one weight per sample, shape {shape[:1]}."
        )
    return weight.reshape(own + (1,) * (len(shape) - len(own)))


def repetitions(weight: Array, shape: tuple[int, ...]) -> float:
    """How many values of `shape` each entry of an expanded weight multiplies."""
    pairs = zip(shape, weight.shape, strict=True)
    return float(math.prod(size for size, own in pairs if own == 1))


def is_exact(dtype: Any) -> bool:
    """Whether numbers of this type are booleans or integers, which cannot hold a loss."""
    return np.dtype(dtype).kind in "biu"


def working_dtype(prediction: Array, target: Array) -> np.dtype[Any]:
    """The type to compare in: the prediction's, or a floating one when it is an integer.

    Targets are cast to it, so that integer or float64 targets do not turn the loss of a float32
    network into float64.
    """
    if is_exact(prediction.dtype):
        return np.result_type(prediction.dtype, target.dtype, np.float32)
    return np.dtype(prediction.dtype)


def accumulation_dtype(dtype: Any) -> np.dtype[Any]:
    """The type to count and sum in: float32 at least, because float16 cannot count to 3000."""
    if is_exact(dtype):
        return np.dtype(np.float64)
    return np.promote_types(dtype, np.float32)
