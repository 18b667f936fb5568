"""Losses of predicted classes, computed from logits: the raw outputs of the network."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, class_labels, is_exact, matched
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def cross_entropy(
    prediction: Array,
    target: Array,
    *,
    class_weight: Array | Sequence[float] | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Array | Terms:
    """How unlikely the network finds the right class: l = -log softmax(z)[y].

    prediction: logits z (n, ..., classes), at least two classes.
    target: class indices (n, ...) or (n, ..., 1), or probabilities p (n, ..., classes), for which
    l = -Σ p log softmax(z).
    class_weight: one number per class. With class indices the mean is taken relative to the
    weights, Σ w[y] l / Σ w[y]; with probabilities l = -Σ w p log softmax(z) and the plain mean.
    label_smoothing: this share ε of the target is spread evenly over all classes.
    ignore_index: positions with this class index do not count.

    `torch.nn.CrossEntropyLoss`, with the classes on the last axis and nothing ignored by default;
    where everything is ignored the loss is 0 rather than not a number.
    Raises `ShapeError` or `TypeMismatchError` where target and prediction do not fit.

    Source: none.
    """
    if prediction.ndim < 2 or prediction.shape[-1] < 2:
        raise ShapeError(
            f"cross_entropy needs one output for each of at least two classes, but prediction has "
            f"shape {prediction.shape}. For a single output use binary_cross_entropy."
        )
    label_smoothing = check_number("label_smoothing", label_smoothing, at_least=0, at_most=1)
    weight = _class_weight(class_weight, prediction)
    if target.shape == prediction.shape and not is_exact(target.dtype):
        if ignore_index is not None:
            raise InvalidArgumentError("ignore_index needs class indices, not probabilities.")
        return _of_probabilities(prediction, target, weight, label_smoothing)
    labels = class_labels(prediction, target)
    counted = None if ignore_index is None else labels != ignore_index
    if counted is not None:
        labels = np.where(counted, labels, 0)
    return _of_labels(prediction, labels, counted, weight, label_smoothing)


def _class_weight(class_weight: Any, prediction: Array) -> Array | None:
    """The weights as an array of the type of the logits."""
    if class_weight is None:
        return None
    if isinstance(class_weight, Sequence):
        class_weight = np.array(class_weight)
    if class_weight.shape != prediction.shape[-1:]:
        raise ShapeError(
            f"class_weight has shape {class_weight.shape}, but there are "
            f"{prediction.shape[-1]} classes."
        )
    return class_weight.astype(prediction.dtype)


def _of_probabilities(
    logits: Array, target: Array, weight: Array | None, smoothing: float
) -> Array:
    target = target.astype(logits.dtype)
    if smoothing:
        target = (1.0 - smoothing) * target + smoothing / logits.shape[-1]
    if weight is not None:
        target = target * weight
    return -np.sum(target * m.log_softmax(logits), axis=-1)


def _of_labels(
    logits: Array,
    labels: Array,
    counted: Array | None,
    weight: Array | None,
    smoothing: float,
) -> Array | Terms:
    """Values and weights of the mean; `counted` says which positions are in it."""
    values = m.softmax_cross_entropy(logits, labels)
    weights = None if weight is None else m.take(weight, labels, axis=0)
    if weights is not None:
        values = weights * values
    if smoothing:
        spread = m.log_softmax(logits) if weight is None else weight * m.log_softmax(logits)
        values = (1.0 - smoothing) * values - smoothing * np.mean(spread, axis=-1)
    if counted is not None:
        values = np.where(counted, values, 0.0)
        weights = (
            counted.astype(logits.dtype) if weights is None else np.where(counted, weights, 0.0)
        )
    return values if weights is None else Terms(values, weights)


@declare
@loss
def binary_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    pos_weight: Array | Sequence[float] | float | None = None,
    class_weight: Sequence[float] | None = None,
) -> Array | Terms:
    """How unlikely the network finds the right answer of two, from one logit z:

        l = -y log σ(z) - (1 - y) log(1 - σ(z)),    σ(z) = 1 / (1 + exp(-z))

    prediction: logits (n,), (n, 1) or (n, labels); target: 0 and 1, or probabilities, of the same
    shape up to a last axis of length 1. Exact for logits of any size.
    pos_weight: a factor on the first term, one number or one per label: above 1 it favours finding
    more of the positive samples. The mean stays the plain mean.
    class_weight: the weights of class 0 and class 1, with the mean relative to them, as in
    `cross_entropy`.

    `torch.nn.BCEWithLogitsLoss`. Raises `ShapeError` where the shapes do not fit.

    Source: none.
    """
    logits, target = matched(prediction, target)
    # log σ(z) = -softplus(-z), which neither overflows nor loses the small losses.
    positive, negative = target * m.softplus(-logits), (1.0 - target) * m.softplus(logits)
    if pos_weight is not None:
        positive = _per_label(pos_weight, logits) * positive
    if class_weight is None:
        return positive + negative
    if len(class_weight) != 2:
        raise ShapeError(
            f"class_weight of binary_cross_entropy is the pair for class 0 and 1, not of length "
            f"{len(class_weight)}."
        )
    zero, one = (float(each) for each in class_weight)
    return Terms(one * positive + zero * negative, one * target + zero * (1.0 - target))


def _per_label(pos_weight: Any, logits: Array) -> Any:
    """The factor as a Python number, or as an array with one entry per label."""
    if isinstance(pos_weight, int | float):
        return float(pos_weight)
    if isinstance(pos_weight, Sequence):
        pos_weight = np.array(pos_weight)
    if pos_weight.shape not in ((), (1,), logits.shape[-1:] if logits.ndim > 1 else ()):
        raise ShapeError(
            f"pos_weight has shape {pos_weight.shape}, but the logits have shape {logits.shape}: "
            "give one number, or one per label."
        )
    return pos_weight.astype(logits.dtype)
