"""Losses that ask for a distance between right and wrong, and nothing beyond it.

Targets of two classes are -1 and 1, or 0 and 1: whatever is positive is the positive class.
"""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_choice, check_number
from gradiente.base.batch import Array, matched, working_dtype
from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.losses.classes import (
    ClassWeight,
    as_class_weight,
    at_label,
    check_classes,
    counted_labels,
    label_terms,
    of_two_classes,
    signs,
)
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


def _signed(prediction: Array, target: Array) -> tuple[Array, Array, Array]:
    """The score times -1 or 1, the score, and the target as 0 and 1."""
    score, target = matched(prediction, target)
    sign = signs(target)
    return sign * score, score, 0.5 * (sign + 1.0)


def _weighted(values: Array, target: Array, class_weight: Any) -> Array | Terms:
    return of_two_classes(target * values, (1.0 - target) * values, target, class_weight)


@declare
@loss
def hinge(
    prediction: Array, target: Array, *, class_weight: tuple[float, float] | None = None
) -> Array | Terms:
    """The loss of the support vector machine: l = max(0, 1 - y ŷ), with y -1 or 1.

    class_weight: the weights of the negative and the positive class, with the mean relative to
    them. Cortes and Vapnik, 1995. `optax.losses.hinge_loss`, `keras.losses.Hinge`.
    """
    agreement, _, positive = _signed(prediction, target)
    return _weighted(np.maximum(1.0 - agreement, 0.0), positive, class_weight)


@declare
@loss
def squared_hinge(
    prediction: Array, target: Array, *, class_weight: tuple[float, float] | None = None
) -> Array | Terms:
    """A hinge without the kink: l = max(0, 1 - y ŷ)², with y -1 or 1.

    class_weight: as in `hinge`. `keras.losses.SquaredHinge`.

    Source: none.
    """
    agreement, _, positive = _signed(prediction, target)
    return _weighted(np.maximum(1.0 - agreement, 0.0) ** 2, positive, class_weight)


@declare
@loss
def perceptron(
    prediction: Array, target: Array, *, class_weight: tuple[float, float] | None = None
) -> Array | Terms:
    """Only a wrong side counts: l = max(0, -y ŷ), with y -1 or 1.

    class_weight: as in `hinge`. Rosenblatt, 1958. `optax.losses.perceptron_loss`.
    """
    agreement, _, positive = _signed(prediction, target)
    return _weighted(np.maximum(-agreement, 0.0), positive, class_weight)


@declare
@loss
def soft_margin(
    prediction: Array, target: Array, *, class_weight: tuple[float, float] | None = None
) -> Array | Terms:
    """The logistic loss of a score and a sign: l = log(1 + exp(-y ŷ)), with y -1 or 1.

    It is the binary cross entropy of 0 and 1. class_weight: as in `hinge`.
    `torch.nn.SoftMarginLoss`.

    Source: none.
    """
    agreement, _, positive = _signed(prediction, target)
    return _weighted(m.softplus(-agreement), positive, class_weight)


@declare
@loss
def hinge_embedding(
    prediction: Array,
    target: Array,
    *,
    margin: float = 1.0,
    class_weight: tuple[float, float] | None = None,
) -> Array | Terms:
    """Of distances between pairs, which should be small for y = 1 and large for y = -1:

        l = d                       where y = 1
        l = max(0, margin - d)      where y = -1

    class_weight: as in `hinge`. `torch.nn.HingeEmbeddingLoss`.

    Source: none.
    """
    margin = check_number("margin", margin)
    _, distance, positive = _signed(prediction, target)
    values = np.where(positive > 0, distance, np.maximum(margin - distance, 0.0))
    return _weighted(values, positive, class_weight)


@declare
@loss
def multiclass_hinge(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """The score of the right class should exceed every other by 1:

        l = max(0, 1 + max_{j ≠ y} ŷ[j] - ŷ[y])

    prediction: scores (n, ..., classes); target: class indices (n, ...).
    class_weight, ignore_index: as in `cross_entropy`.
    Crammer and Singer, JMLR 2, 2001. `optax.losses.multiclass_hinge_loss`. The categorical hinge
    of Keras differs where all wrong scores are negative: it takes them for 0.
    """
    scores, labels, counted, weight = _labelled(
        "multiclass_hinge", prediction, target, class_weight, ignore_index
    )
    raised = scores + (1.0 - m.one_hot(labels, scores.shape[-1], dtype=scores.dtype))
    values = np.max(raised, axis=-1) - at_label(scores, labels)
    return label_terms(values, labels, counted, weight)


@declare
@loss
def multiclass_perceptron(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """How much the largest score exceeds that of the right class: l = max_j ŷ[j] - ŷ[y].

    prediction: scores (n, ..., classes); target: class indices (n, ...).
    class_weight, ignore_index: as in `cross_entropy`.
    Collins, EMNLP 2002. `optax.losses.multiclass_perceptron_loss`.
    """
    scores, labels, counted, weight = _labelled(
        "multiclass_perceptron", prediction, target, class_weight, ignore_index
    )
    values = np.max(scores, axis=-1) - at_label(scores, labels)
    return label_terms(values, labels, counted, weight)


@declare
@loss
def multi_margin(
    prediction: Array,
    target: Array,
    *,
    power: int = 1,
    margin: float = 1.0,
    class_weight: ClassWeight = None,
) -> Array:
    """Every wrong score should stay below the right one by a margin:

        l = 1/C Σ_{j ≠ y} max(0, margin - ŷ[y] + ŷ[j])ᵖ

    prediction: scores (n, ..., classes); target: class indices (n, ...).
    power: p, 1 or 2. class_weight: a factor w[y]; the mean stays the plain mean, as in PyTorch.
    Weston and Watkins, ESANN 1999. `torch.nn.MultiMarginLoss`.
    """
    power = int(check_choice("power", str(power), ("1", "2")))
    margin = check_number("margin", margin)
    scores, labels, _, weight = _labelled("multi_margin", prediction, target, class_weight)
    excess = np.maximum(margin - at_label(scores, labels)[..., None] + scores, 0.0)
    wrong = labels[..., None] != np.arange(scores.shape[-1])
    values = np.mean(np.where(wrong, excess if power == 1 else excess * excess, 0.0), axis=-1)
    return values if weight is None else m.take(weight, labels, axis=0) * values


def _labelled(
    name: str,
    prediction: Array,
    target: Array,
    class_weight: ClassWeight,
    ignore_index: int | None = None,
) -> tuple[Array, Array, Array | None, Array | None]:
    """Floating scores, class indices, where they count, and the class weights."""
    check_classes(name, prediction)
    scores = prediction.astype(working_dtype(prediction, target))
    labels, counted = counted_labels(scores, target, ignore_index)
    return scores, labels, counted, as_class_weight(class_weight, scores)


@declare
@loss
def multi_label_margin(
    prediction: Array, target: Array, *, class_weight: ClassWeight = None
) -> Array:
    """The score of every class that applies should exceed that of every other by 1:

        l = 1/C Σ_{j applies} w[j] Σ_{i does not} max(0, 1 - (ŷ[j] - ŷ[i]))

    prediction: scores (n, classes). class_weight: w, all 1 by default.
    target: the indices of the classes that apply, (n, classes) integers, filled up with -1; what
    follows the first -1 does not count. `torch.nn.MultiLabelMarginLoss`.
    Raises `ShapeError` or `TypeMismatchError` for another target.

    Source: none.
    """
    check_classes("multi_label_margin", prediction)
    if target.shape != prediction.shape:
        raise ShapeError(
            f"multi_label_margin needs class indices filled up with -1 to the shape "
            f"{prediction.shape} of the prediction, but target has shape {target.shape}."
        )
    if target.dtype.kind not in "iu":
        raise TypeMismatchError(f"class indices must be integers, but target is {target.dtype}.")
    scores = prediction.astype(working_dtype(prediction, target))
    classes = scores.shape[-1]
    listed = np.cumsum((target < 0).astype(np.int64), axis=-1) == 0
    places = (target[..., :, None] == np.arange(classes)) & listed[..., :, None]
    applies = np.any(places, axis=-2)
    excess = np.maximum(1.0 - scores[..., :, None] + scores[..., None, :], 0.0)
    counts = applies[..., :, None] & ~applies[..., None, :]
    lost = np.sum(np.where(counts, excess, 0.0), axis=-1)
    weight = as_class_weight(class_weight, scores)
    return np.sum(lost if weight is None else lost * weight, axis=-1) / classes


@declare
@loss
def multi_label_soft_margin(
    prediction: Array, target: Array, *, class_weight: ClassWeight = None
) -> Array:
    """Binary cross entropy of every class apart, with the mean over the classes:

        l = -1/C Σ w (y log σ(ŷ) + (1 - y) log σ(-ŷ))

    prediction: scores (n, ..., classes); target: 0 and 1 of the same shape.
    class_weight: one factor w per class; the mean stays the plain mean, as in PyTorch.
    `torch.nn.MultiLabelSoftMarginLoss`.

    Source: none.
    """
    scores, target = matched(prediction, target)
    values = target * m.softplus(-scores) + (1.0 - target) * m.softplus(scores)
    weight = as_class_weight(class_weight, scores)
    return values if weight is None else weight * values
