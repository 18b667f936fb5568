"""Losses of classes that have an order, such as grades: a miss by two is worse than a miss by one.

target: class indices 0 … classes - 1, shape (n, ...). Both losses are of `classes - 1` outputs, the
steps between the classes.
"""

from collections.abc import Sequence

import numpy as np

from gradiente.base.batch import Array, working_dtype
from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.losses.classes import ClassWeight, as_class_weight, label_terms
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def coral(
    prediction: Array,
    target: Array,
    *,
    importance: Sequence[float] | None = None,
    class_weight: ClassWeight = None,
) -> Array | Terms:
    """Consistent rank logits: one yes-no question for each step, "is it above class k?".

        l = -Σₖ λₖ ([y > k] log σ(z[k]) + [y <= k] log(1 - σ(z[k])))

    prediction: logits z (n, ..., classes - 1); for consistent ranks they differ by their biases
    only, which makes them fall with k. importance: λ, one factor per step.
    class_weight: one per class, with the mean relative to them, as in `cross_entropy`.
    Cao, Mirjalili and Raschka, Pattern Recognition Letters 140, 2020.
    """
    logits = prediction.astype(working_dtype(prediction, target))
    labels = _labels("coral", logits.shape, target)
    weight = as_class_weight(class_weight, logits, logits.shape[-1] + 1)
    above = labels[..., None] > np.arange(logits.shape[-1])
    values = np.where(above, m.softplus(-logits), m.softplus(logits))
    factors = as_class_weight(importance, logits, name="importance")
    if factors is not None:
        values = factors * values
    return label_terms(np.sum(values, axis=-1), labels, None, weight)


@declare
@loss
def cumulative_logits(
    prediction: Array,
    target: Array,
    *,
    thresholds: Array | Sequence[float] | None = None,
    class_weight: ClassWeight = None,
) -> Array | Terms:
    """The proportional odds model: thresholds θ cut a score η into classes.

        l = -log(σ(θ[y] - η) - σ(θ[y-1] - η)),    θ[-1] = -∞, θ[classes - 1] = ∞

    thresholds: θ in ascending order, for a prediction η of shape (n,) or (n, 1); they can be
    parameters of yours.
    prediction: without thresholds (n, classes - 1), the first cumulative logit θ[0] - η, and then
    numbers whose softplus are the steps from each to the next, which keeps them in order.
    class_weight: one per class, with the mean relative to them. McCullagh, JRSS B 42, 1980.
    """
    first, steps = _cumulative(prediction.astype(working_dtype(prediction, target)), thresholds)
    classes = steps.shape[-1] + 2
    labels = _labels("cumulative_logits", (*first.shape, classes - 1), target)
    weight = as_class_weight(class_weight, steps, classes)
    upward = np.pad(np.cumsum(steps, axis=-1), [(0, 0)] * first.ndim + [(1, 0)])
    logits = first[..., None] + upward  # (n, ..., classes - 1)
    # σ(b) - σ(a) = σ(b) σ(-a) (1 - exp(a - b)), in which nothing cancels.
    place = labels[..., None] - np.arange(classes - 1)
    values = np.where(place == 0, m.softplus(-logits), 0.0)
    values = np.sum(values + np.where(place == 1, m.softplus(logits), 0.0), axis=-1)
    if classes > 2:
        between = -m.log(np.maximum(-m.expm1(-steps), np.finfo(steps.dtype).tiny))
        values = values + np.sum(np.where(place[..., 1:] == 0, between, 0.0), axis=-1)
    return label_terms(values, labels, None, weight)


def _cumulative(
    prediction: Array, thresholds: Array | Sequence[float] | None
) -> tuple[Array, Array]:
    """The first cumulative logit of every position, and the steps from each to the next."""
    if thresholds is None:
        if prediction.ndim < 2:
            raise ShapeError(
                f"cumulative_logits without thresholds needs a prediction (n, classes - 1), not "
                f"{prediction.shape}."
            )
        return prediction[..., 0], m.softplus(prediction[..., 1:])
    if isinstance(thresholds, Sequence):
        thresholds = np.array(thresholds)
    if thresholds.ndim != 1 or not thresholds.shape[0]:
        raise ShapeError(f"thresholds has shape {thresholds.shape}, not (classes - 1,).")
    thresholds = thresholds.astype(prediction.dtype)
    if prediction.ndim > 1 and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    steps = thresholds[1:] - thresholds[:-1]
    return thresholds[0] - prediction, steps + np.zeros((*prediction.shape, 1), prediction.dtype)


def _labels(name: str, shape: tuple[int, ...], target: Array) -> Array:
    """The class indices that belong to steps between classes of this shape."""
    if len(shape) < 2 or target.shape not in (shape[:-1], (*shape[:-1], 1)):
        raise ShapeError(
            f"{name} needs one output for each step between classes, (n, classes - 1), and a class "
            f"index for each sample, but the outputs have shape {shape} and target has shape "
            f"{target.shape}."
        )
    if target.dtype.kind not in "iub":
        raise TypeMismatchError(
            f"class indices must be integers, but target has type {target.dtype}: "
            "use target.astype(int)."
        )
    return target.reshape(shape[:-1]).astype(np.int64)
