"""Cross entropies: of logits, which are the raw outputs of the network, or of probabilities."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, matched, working_dtype
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.classes import (
    ClassWeight,
    as_class_weight,
    check_classes,
    counted_labels,
    is_distribution,
    of_classes,
    of_two_classes,
)
from gradiente.losses.loss import Terms, declare, loss
from gradiente.losses.special import log_floored
from gradiente.trace.functions import m


@declare
@loss
def cross_entropy(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
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
    return of_logits(prediction, target, class_weight, label_smoothing, ignore_index)


def of_logits(
    prediction: Array,
    target: Array,
    class_weight: ClassWeight,
    label_smoothing: float,
    ignore_index: int | None,
) -> Array | Terms:
    """The terms of `cross_entropy`."""
    check_classes("cross_entropy", prediction, " For a single output use binary_cross_entropy.")
    label_smoothing = check_number("label_smoothing", label_smoothing, at_least=0, at_most=1)
    weight = as_class_weight(class_weight, prediction)
    if is_distribution(prediction, target):
        if ignore_index is not None:
            raise InvalidArgumentError("ignore_index needs class indices, not probabilities.")
        return _of_probabilities(prediction, target, weight, label_smoothing)
    labels, counted = counted_labels(prediction, target, ignore_index)
    return _of_labels(prediction, labels, counted, weight, label_smoothing)


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
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Array | Terms:
    """How unlikely the network finds the right answer of two, from one logit z:

        l = -y log σ(z) - (1 - y) log(1 - σ(z)),    σ(z) = 1 / (1 + exp(-z))

    prediction: logits (n,), (n, 1) or (n, labels); target: 0 and 1, or probabilities, of the same
    shape up to a last axis of length 1. Exact for logits of any size.
    pos_weight: a factor on the first term, one number or one per label: above 1 it favours finding
    more of the positive samples. The mean stays the plain mean.
    class_weight: the weights of class 0 and class 1, with the mean relative to them, as in
    `cross_entropy`.
    label_smoothing: this share ε of the target is spread over both answers: y (1 - ε) + ½ ε.
    from_logits: false if prediction is σ(z) already; its logarithms are at least -100.

    `torch.nn.BCEWithLogitsLoss`, and `torch.nn.BCELoss` without logits, whose gradient is here 0
    where the logarithm is cut off. Raises `ShapeError` where the shapes do not fit.

    Source: none.
    """
    logits, target = matched(prediction, target)
    label_smoothing = check_number("label_smoothing", label_smoothing, at_least=0, at_most=1)
    if label_smoothing:
        target = (1.0 - label_smoothing) * target + 0.5 * label_smoothing
    if from_logits:
        # log σ(z) = -softplus(-z), which neither overflows nor loses the small losses.
        positive, negative = m.softplus(-logits), m.softplus(logits)
    else:
        positive, negative = -log_floored(logits), -log_floored(1.0 - logits)
    positive, negative = target * positive, (1.0 - target) * negative
    if pos_weight is not None:
        positive = _per_label(pos_weight, logits) * positive
    return of_two_classes(positive, negative, target, class_weight)


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


@declare
@loss
def nll(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
    log_input: bool = True,
) -> Array | Terms:
    """How unlikely the right class is, of log-probabilities that the network gives: l = -q[y].

    prediction: log-probabilities q (n, ..., classes), as from log_softmax, or with
    `log_input=False` probabilities, whose logarithms are at least -100.
    target, class_weight, ignore_index: as in `cross_entropy`, which is exact where a probability
    rounds to 0. `torch.nn.NLLLoss`, with the classes on the last axis.

    Source: none.
    """
    prediction = prediction.astype(working_dtype(prediction, target))
    per_class = -prediction if log_input else -log_floored(prediction)
    return of_classes("nll", per_class, target, class_weight, ignore_index)
