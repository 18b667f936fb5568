"""Which class a network predicts and which one is right: the reading that all class metrics share.

A network's raw outputs are logits. One output per sample, shape (n,) or (n, 1), is the logit of
class 1 against class 0: the prediction is class 1 where it is above zero. Otherwise the last axis
counts the classes and the prediction is the first one with the largest output, which is the same
for logits and for probabilities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.batch import Array, accumulation_dtype, align, class_labels, is_exact
from gradiente.base.errors import DataError
from gradiente.metrics.metric import Statistics, weight_or_ones


@dataclass(frozen=True)
class Labels:
    """Predicted and actual class of each sample or position, all three arrays of one shape.

    `outside` counts the targets (of weight above zero) that are none of the classes.
    """

    predicted: Array
    actual: Array
    weight: Array
    outside: Array
    classes: int


def read_labels(prediction: Array, target: Array, weight: Array | None) -> Labels:
    """Classes from raw outputs and targets.

    prediction: (n,) or (n, 1) with targets 0 and 1; or (n, ..., classes) with integer targets
    (n, ...) or (n, ..., 1), or with probabilities of the same shape, of which the largest counts.
    Raises `ShapeError` or `TypeMismatchError` where the two do not belong together.
    """
    if is_multiclass(prediction, target):
        return _multiclass(prediction, target, weight)
    prediction, target = align(prediction, target)
    return binary_labels(prediction, target, weight)


def is_multiclass(prediction: Array, target: Array) -> bool:
    """Whether the last axis of the prediction counts classes rather than outputs of two classes."""
    if prediction.ndim < 2 or prediction.shape[-1] == 1:
        return False
    return target.shape != (*prediction.shape, 1)


def class_indices(prediction: Array, target: Array) -> Array:
    """The right class as an integer array of the shape of `prediction` without its last axis."""
    if target.shape == prediction.shape and not is_exact(target.dtype):
        return np.argmax(target, axis=-1)
    return class_labels(prediction, target)


def _multiclass(prediction: Array, target: Array, weight: Array | None) -> Labels:
    actual = class_indices(prediction, target)
    classes = prediction.shape[-1]
    weight = weight_or_ones(weight, actual.shape, accumulation_dtype(prediction.dtype))
    outside = (actual < 0) | (actual >= classes)
    predicted = np.argmax(prediction, axis=-1)
    return Labels(predicted, actual, weight, count(outside & (weight != 0)), classes)


def binary_labels(prediction: Array, target: Array, weight: Array | None) -> Labels:
    """Class 1 where a logit is above zero; targets are 0 and 1, or probabilities of class 1."""
    weight = weight_or_ones(weight, prediction.shape, accumulation_dtype(prediction.dtype))
    if is_exact(target.dtype):
        outside = (target != 0) & (target != 1)
        actual = target.astype(np.int64)
    else:
        outside = ~((target >= 0) & (target <= 1))
        actual = (target > 0.5).astype(np.int64)
    predicted = (prediction > 0).astype(np.int64)
    return Labels(predicted, actual, weight, count(outside & (weight != 0)), 2)


def count(condition: Array, weight: Array | None = None, axis: int | None = None) -> Array:
    """How many entries are true, or what these weigh."""
    if weight is None:
        return np.sum(condition.astype(np.float32), axis=axis)
    return np.sum(condition.astype(weight.dtype) * weight, axis=axis)


def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Ones at the class of each entry, on a new last axis: (...) becomes (..., classes)."""
    return (labels.reshape((*labels.shape, 1)) == np.arange(classes)).astype(dtype)


def refuse_outside(statistics: Statistics) -> None:
    """Raise `DataError` when some target was none of the classes, which no average may hide."""
    if np.any(statistics["outside"] > 0):
        raise DataError(
            f"{int(np.sum(statistics['outside']))} targets are outside the classes. A network with "
            "c outputs has the classes 0 ... c-1; one with a single output has 0 and 1. Number "
            "the classes from zero, and give samples to be ignored a sample_weight of zero."
        )
