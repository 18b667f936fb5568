"""Metrics that count right answers: accuracy, accuracy of yes-no answers, top-k accuracy.

Predictions are the raw outputs of the network; how classes are read from them stands in
`classes.py`. A target outside the classes raises `DataError`.
"""

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.batch import Array, accumulation_dtype, align
from gradiente.metrics.classes import (
    binary_labels,
    class_indices,
    count,
    one_hot,
    read_labels,
    refuse_outside,
)
from gradiente.metrics.metric import Metric, Statistics, declare, ratio, weight_or_ones


def _share(hits: Array, weight: Array, outside: Array) -> Statistics:
    return {"hits": count(hits, weight), "weight": np.sum(weight), "outside": outside}


def _value(statistics: Statistics) -> float:
    refuse_outside(statistics)
    return float(ratio(statistics["hits"], statistics["weight"]))


def _accuracy(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    labels = read_labels(prediction, target, weight)
    return _share(labels.predicted == labels.actual, labels.weight, labels.outside)


def _binary_accuracy(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    labels = binary_labels(*align(prediction, target), weight)
    return _share(labels.predicted == labels.actual, labels.weight, labels.outside)


accuracy = declare("accuracy", Metric("accuracy", _accuracy, _value))
"""The share of samples whose predicted class is the right one: Σ w [ŷ = y] / Σ w.

prediction (n, classes) with integer targets (n,) or probabilities (n, classes); or one logit per
sample, (n,) or (n, 1), with targets 0 and 1. More axes are positions, each counted on its own.
"""

binary_accuracy = declare("binary_accuracy", Metric("binary_accuracy", _binary_accuracy, _value))
"""The share of single yes-no answers that are right, for logits (n, labels) of as many targets."""


def top_k_accuracy(k: int) -> Metric:
    """The share of samples whose right class is among the `k` with the largest outputs.

    prediction (n, ..., classes), targets as in `accuracy`. Of equal outputs the first class leads,
    so that `top_k_accuracy(1)` is `accuracy`. An output that is not a number never helps.
    """
    k = check_count("k", k, at_least=1)

    def statistics(prediction: Array, target: Array, weight: Array | None) -> Statistics:
        actual = class_indices(prediction, target)
        classes = prediction.shape[-1]
        weights = weight_or_ones(weight, actual.shape, accumulation_dtype(prediction.dtype))
        outside = (actual < 0) | (actual >= classes)
        hits = _leaders(prediction, actual) < k
        return _share(hits, weights, count(outside & (weights != 0)))

    return Metric(f"top_{k}_accuracy", statistics, _value)


def _leaders(prediction: Array, actual: Array) -> Array:
    """How many classes come before the right one when sorted by falling output."""
    own = one_hot(actual, prediction.shape[-1], bool)
    score = np.sum(np.where(own, prediction, 0.0), axis=-1, keepdims=True)
    earlier = np.arange(prediction.shape[-1]) < actual.reshape((*actual.shape, 1))
    # Written with `~` because comparisons with nan are all false: so they count against.
    leads = (earlier & ~(prediction < score)) | (~earlier & ~(prediction <= score))
    return count(leads, axis=-1)


declare("top_k_accuracy", top_k_accuracy)
