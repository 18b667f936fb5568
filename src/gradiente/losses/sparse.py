"""Losses of predictions that can be exactly 0 or 1: sparsemax, and its family, Fenchel-Young.

A Fenchel-Young loss is Ω*(s) - ⟨y, s⟩ with the convex conjugate Ω* of a regulariser; its gradient
is the prediction that Ω makes of the scores, minus the target. Blondel, Martins and Niculae,
Learning with Fenchel-Young Losses, JMLR 21, 2020.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gradiente.base.batch import Array, matched, working_dtype
from gradiente.base.errors import ShapeError
from gradiente.gradient.control import stop_gradient
from gradiente.losses.classes import ClassWeight, check_classes, of_classes, of_two_classes
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def sparsemax(
    prediction: Array, target: Array, *, class_weight: Sequence[float] | None = None
) -> Array | Terms:
    """Sparsemax of two classes, a smooth hinge, with t = z for class 0 and t = -z for class 1:

        l = 0                 where t <= -1
        l = ¼ (t + 1)²        between
        l = t                 where t >= 1

    prediction: scores z; target: 0 and 1 of the same shape. class_weight: as in
    `binary_cross_entropy`. Blondel, Martins and Niculae, JMLR 21, 2020.
    `optax.losses.sparsemax_loss`.
    """
    scores, target = matched(prediction, target)
    positive, negative = target * _sparse_plus(-scores), (1.0 - target) * _sparse_plus(scores)
    return of_two_classes(positive, negative, target, class_weight)


def _sparse_plus(x: Array) -> Array:
    inside = np.clip(x, -1.0, 1.0)
    return 0.25 * (inside + 1.0) ** 2 + np.maximum(x - 1.0, 0.0)


@declare
@loss
def multiclass_sparsemax(
    prediction: Array,
    target: Array,
    *,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """The loss of the projection p of scores onto the probabilities, many of which are then 0:

        l = ½ + ½ Σ_{j: z[j] > τ} (z[j]² - τ²) - z[y],    p = max(z - τ, 0),  Σ p = 1

    prediction: scores z (n, ..., classes). target, class_weight, ignore_index: as in
    `cross_entropy`, where l of probabilities q is the mean of that of the labels.
    Martins and Astudillo, From Softmax to Sparsemax, ICML 2016.
    `optax.losses.multiclass_sparsemax_loss`.
    """
    check_classes("multiclass_sparsemax", prediction)
    scores = prediction.astype(working_dtype(prediction, target))
    # The same for all classes; subtracting it keeps the squares from cancelling.
    scores = scores - stop_gradient(np.max(scores, axis=-1, keepdims=True))
    ranked = np.flip(np.sort(stop_gradient(scores), axis=-1), axis=-1)
    places = np.arange(1, scores.shape[-1] + 1).astype(scores.dtype)
    above = 1.0 + places * ranked > np.cumsum(ranked, axis=-1)
    least = np.min(np.where(above, ranked, 0.0), axis=-1, keepdims=True)
    support = scores >= least
    kept = np.where(support, scores, 0.0)
    count = np.sum(support.astype(scores.dtype), axis=-1)
    threshold = (np.sum(kept, axis=-1) - 1.0) / count
    conjugate = 0.5 * (np.sum(kept * kept, axis=-1) - count * threshold * threshold) + 0.5
    per_class = conjugate[..., None] - scores
    return of_classes("multiclass_sparsemax", per_class, target, class_weight, ignore_index)


@declare
@loss
def fenchel_young(
    prediction: Array, target: Array, *, maximum: Callable[[Array], Array] | None = None
) -> Array:
    """The Fenchel-Young loss of a smooth maximum: l = max(s) - ⟨y, s⟩.

    prediction: scores s (n, ..., outputs); target: y of the same shape, such as probabilities.
    maximum: a convex function of (n, ..., outputs) that gives (n, ...), written with NumPy
    functions; log Σ exp by default, with which l is the cross entropy.
    Blondel, Martins and Niculae, JMLR 21, 2020. `optax.losses.make_fenchel_young_loss`.
    Raises `ShapeError` where the shapes do not fit.
    """
    if prediction.ndim < 2 or prediction.shape != target.shape:
        raise ShapeError(
            f"fenchel_young needs scores and targets (n, outputs) of one shape, but prediction has "
            f"shape {prediction.shape} and target has shape {target.shape}."
        )
    scores, target = matched(prediction, target)
    top = m.logsumexp(scores, axis=-1) if maximum is None else maximum(scores)
    if top.shape != scores.shape[:-1]:
        raise ShapeError(
            f"`maximum` of scores {scores.shape} must have shape {scores.shape[:-1]}, but has "
            f"{top.shape}."
        )
    return top - np.sum(target * scores, axis=-1)
