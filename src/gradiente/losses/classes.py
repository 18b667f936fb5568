"""What losses of classes share: labels or distributions, class weights, ignored labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.batch import Array, class_labels, is_exact
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.loss import Terms
from gradiente.trace.functions import m

ClassWeight = Array | Sequence[float] | None


def check_classes(name: str, prediction: Array, instead: str = "") -> None:
    """Refuse a prediction without a last axis of at least two classes: `ShapeError`."""
    if prediction.ndim < 2 or prediction.shape[-1] < 2:
        raise ShapeError(
            f"{name} needs one output for each of at least two classes, but prediction has "
            f"shape {prediction.shape}.{instead}"
        )


def as_class_weight(
    class_weight: Any, prediction: Array, classes: int | None = None, name: str = "class_weight"
) -> Array | None:
    """The weights as an array of the type of the prediction; `ShapeError` for another length.

    There are as many classes as outputs, unless their number is given.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, Sequence):
        class_weight = np.array(class_weight)
    classes = prediction.shape[-1] if classes is None else classes
    if class_weight.shape != (classes,):
        what = "classes" if name == "class_weight" else "steps"
        raise ShapeError(f"{name} has shape {class_weight.shape}, but there are {classes} {what}.")
    return class_weight.astype(prediction.dtype)


def counted_labels(
    prediction: Array, target: Array, ignore_index: int | None
) -> tuple[Array, Array | None]:
    """The class indices, and where they count; an ignored one becomes 0."""
    labels = class_labels(prediction, target)
    if ignore_index is None:
        return labels, None
    counted = labels != ignore_index
    return np.where(counted, labels, 0), counted


def is_distribution(prediction: Array, target: Array) -> bool:
    """Whether the target gives a probability for each class rather than the index of one."""
    return target.shape == prediction.shape and not is_exact(target.dtype)


def at_label(per_class: Array, labels: Array) -> Array:
    """The entry of (n, ..., classes) at each label, shape (n, ...)."""
    return np.take_along_axis(per_class, labels[..., None], axis=-1)[..., 0]


def label_terms(
    values: Array,
    labels: Array,
    counted: Array | None = None,
    class_weight: Array | None = None,
) -> Array | Terms:
    """The mean of one value per label relative to the weight of its class, Σ w[y] l / Σ w[y]."""
    weights = None if class_weight is None else m.take(class_weight, labels, axis=0)
    if weights is not None:
        values = weights * values
    if counted is not None:
        values = np.where(counted, values, 0.0)
        one = counted.astype(values.dtype)
        weights = one if weights is None else weights * one
    return values if weights is None else Terms(values, weights)


def of_classes(
    name: str,
    per_class: Array,
    target: Array,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """The mean over the batch of `per_class`: what is lost if a class is the right one.

    per_class: (n, ..., classes). With class indices l = per_class[y], and the mean is relative to
    the class weights; with probabilities l = Σ w p per_class, and the mean is plain. Both as in
    `cross_entropy`.
    """
    check_classes(name, per_class)
    weight = as_class_weight(class_weight, per_class)
    if is_distribution(per_class, target):
        if ignore_index is not None:
            raise InvalidArgumentError("ignore_index needs class indices, not probabilities.")
        target = target.astype(per_class.dtype)
        return np.sum((target if weight is None else weight * target) * per_class, axis=-1)
    labels, counted = counted_labels(per_class, target, ignore_index)
    return label_terms(at_label(per_class, labels), labels, counted, weight)


def of_two_classes(
    positive: Array, negative: Array, target: Array, class_weight: Sequence[float] | None
) -> Array | Terms:
    """The sum of the terms of class 1 and class 0; with weights, the mean is relative to them.

    The terms contain the target: y · loss and (1 - y) · loss.
    """
    if class_weight is None:
        return positive + negative
    if len(class_weight) != 2:
        raise ShapeError(
            f"class_weight of two classes is the pair for class 0 and 1, not of length "
            f"{len(class_weight)}."
        )
    zero, one = (float(each) for each in class_weight)
    return Terms(one * positive + zero * negative, one * target + zero * (1.0 - target))


def signs(target: Array) -> Array:
    """+1 where the target is positive and -1 elsewhere: for targets -1 and 1, or 0 and 1."""
    return np.where(target > 0, np.ones((), target.dtype), -np.ones((), target.dtype))
