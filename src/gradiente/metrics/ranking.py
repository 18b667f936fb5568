"""The area under the receiver operating characteristic, computed exactly from ranks."""

import math
from typing import Any

import numpy as np

from gradiente.base.batch import Array, accumulation_dtype, align
from gradiente.base.errors import DataError
from gradiente.metrics.classes import class_indices, is_multiclass
from gradiente.metrics.metric import Metric, Statistics, declare, weight_or_ones


def _gather(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    """Keep predictions, targets and weights as they are: ranks need all samples at once."""
    if is_multiclass(prediction, target):
        target = class_indices(prediction, target)
    else:
        prediction, target = align(prediction, target)
    dtype = accumulation_dtype(prediction.dtype)
    return {
        "prediction": prediction,
        "target": target,
        "weight": weight_or_ones(weight, target.shape, dtype),
    }


def _area(score: Any, positive: Any, weight: Any) -> float:
    """Σ w⁺ (W⁻ below + ½ W⁻ equal) / (W⁺ W⁻): how often a positive sample outranks a negative one.

    Not a number where one of the two classes is missing, or where a score is not a number.
    """
    if np.isnan(score).any():
        return math.nan
    _, group = np.unique(score, return_inverse=True)
    positives = np.bincount(group, np.where(positive, weight, 0.0))
    negatives = np.bincount(group, np.where(positive, 0.0, weight))
    total = positives.sum() * negatives.sum()
    if total == 0:
        return math.nan
    below = np.cumsum(negatives) - negatives
    return float(np.sum(positives * (below + 0.5 * negatives)) / total)


def _probabilities(outputs: Any) -> Any:
    """Softmax of logits; outputs that are probabilities already stay as they are.

    One class is ranked against the rest by its probability, in which the other logits have a part.
    """
    sums = outputs.sum(axis=-1)
    if (outputs >= 0).all() and np.allclose(sums, 1.0, atol=1e-3):
        return outputs
    exponentials = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _value(statistics: Statistics) -> float:
    target = np.asarray(statistics["target"]).ravel()
    weight = np.asarray(statistics["weight"], float).ravel()
    prediction = np.asarray(statistics["prediction"], float)
    multiclass = prediction.size != target.size
    outputs = prediction.reshape(target.size, -1)[weight != 0]
    target, weight = target[weight != 0], weight[weight != 0]
    classes = outputs.shape[1] if multiclass else 2
    if not ((target >= 0) & (target <= classes - 1)).all():
        raise DataError(f"auc found targets that are none of the classes 0 ... {classes - 1}.")
    if not multiclass:
        return _area(outputs[:, 0], target > 0.5, weight)
    if classes == 2:
        return _area(outputs[:, 1] - outputs[:, 0], target == 1, weight)
    outputs = _probabilities(outputs)
    areas = [_area(outputs[:, each], target == each, weight) for each in range(classes)]
    known = [area for area in areas if not math.isnan(area)]
    return float(np.mean(known)) if known else math.nan


auc = declare("auc", Metric("auc", _gather, _value, combine="concatenate"))
"""The area under the ROC curve: the chance that a positive sample is ranked above a negative one.

prediction (n,) or (n, 1) with targets 0 and 1; or (n, classes) with integer targets, for which it
is the mean over the classes of each one against the rest ("one-vs-rest, macro"), ranked by
probability. Exact, ties counted as one half, with weights. Classes without both positive and
negative samples are left out of the mean; without any other it is not a number (`nan`).
"""
