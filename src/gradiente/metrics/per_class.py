"""Metrics made of counts per class: precision, recall, F1, their averages, the confusion matrix.

Predictions are the raw outputs of the network; how classes are read from them stands in
`classes.py`. A target outside the classes raises `DataError`.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gradiente.base.arguments import check_choice, check_count
from gradiente.base.batch import Array
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.metrics.classes import Labels, one_hot, read_labels, refuse_outside
from gradiente.metrics.metric import Metric, Statistics, declare, ratio

Average = Literal["macro", "micro", "weighted"]
AVERAGES = ("macro", "micro", "weighted")

# Each is numerator / denominator of the weights tp (hits), tp + fp (predicted), tp + fn (actual).
RATIOS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "precision": lambda hits, predicted, actual: (hits, predicted),
    "recall": lambda hits, predicted, actual: (hits, actual),
    "f1": lambda hits, predicted, actual: (2 * hits, predicted + actual),
}


def _per_class(labels: Labels) -> Statistics:
    """Weight per class of the samples predicted as it, of those that are it, and of both."""
    positions = tuple(range(labels.actual.ndim))
    predicted = one_hot(labels.predicted, labels.classes, labels.weight.dtype)
    actual = one_hot(labels.actual, labels.classes, labels.weight.dtype)
    weight = labels.weight.reshape((*labels.actual.shape, 1))
    return {
        "hits": np.sum(predicted * actual * weight, axis=positions),  # (classes,)
        "predicted": np.sum(predicted * weight, axis=positions),  # (classes,)
        "actual": np.sum(actual * weight, axis=positions),  # (classes,)
        "outside": labels.outside,
    }


def _all_classes(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    return _per_class(read_labels(prediction, target, weight))


def _two_classes(prediction: Array, target: Array, weight: Array | None) -> Statistics:
    labels = read_labels(prediction, target, weight)
    if labels.classes != 2:
        raise ShapeError(
            f"prediction has {labels.classes} classes, and precision, recall and f1 are of class 1 "
            "out of two. Use an average over the classes, such as metrics.f1_macro."
        )
    return _per_class(labels)


def _counts(statistics: Statistics) -> list[Any]:
    refuse_outside(statistics)
    return [np.asarray(statistics[name], float) for name in ("hits", "predicted", "actual")]


def averaged(metric: Metric, average: Average, *, zero_division: float = 0.0) -> Metric:
    """`precision`, `recall` or `f1` averaged over the classes of a network with several outputs.

    average: "macro" is the plain mean over the classes that occur among targets or predictions,
    "weighted" weighs each class by its share of the targets, "micro" pools all decisions.
    zero_division: the score of a class for which the ratio is 0 / 0.
    These are the definitions of scikit-learn.
    """
    if metric.name not in RATIOS:
        raise InvalidArgumentError(f"averaged takes precision, recall or f1, not {metric.name}.")
    check_choice("average", average, AVERAGES)

    def value(statistics: Statistics) -> float:
        counts = _counts(statistics)
        if average == "micro":
            counts = [np.sum(each) for each in counts]
        hits, predicted, actual = counts
        if np.sum(actual) == 0:
            return math.nan
        scores = ratio(*RATIOS[metric.name](hits, predicted, actual), zero_division)
        occurs = (predicted + actual > 0).astype(float)
        return float(np.average(scores, weights=actual if average == "weighted" else occurs))

    return Metric(f"{metric.name}_{average}", _all_classes, value)


def _of_class_one(name: str) -> Metric:
    def value(statistics: Statistics) -> float:
        hits, predicted, actual = _counts(statistics)
        if np.sum(actual) == 0:
            return math.nan
        return float(ratio(*RATIOS[name](hits[1], predicted[1], actual[1]), 0.0))

    return declare(name, Metric(name, _two_classes, value))


def _declare_average(metric: Metric, average: Average) -> Metric:
    return declare(f"{metric.name}_{average}", averaged(metric, average))


precision = _of_class_one("precision")
"""Of the samples predicted as class 1, the share that is: tp / (tp + fp), and 0 where 0 / 0."""

recall = _of_class_one("recall")
"""Of the samples of class 1, the share that was found: tp / (tp + fn), and 0 where 0 / 0."""

f1 = _of_class_one("f1")
"""The harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn), and 0 where 0 / 0."""

precision_macro = _declare_average(precision, "macro")
"""`precision` of several classes: the mean over the classes; see `averaged`."""
precision_micro = _declare_average(precision, "micro")
"""`precision` of several classes: the counts of all classes together; see `averaged`."""
precision_weighted = _declare_average(precision, "weighted")
"""`precision` of several classes: their mean, weighted by their frequency; see `averaged`."""
recall_macro = _declare_average(recall, "macro")
"""`recall` of several classes: the mean over the classes; see `averaged`."""
recall_micro = _declare_average(recall, "micro")
"""`recall` of several classes: the counts of all classes together; see `averaged`."""
recall_weighted = _declare_average(recall, "weighted")
"""`recall` of several classes: their mean, weighted by their frequency; see `averaged`."""
f1_macro = _declare_average(f1, "macro")
"""`f1` of several classes: the mean over the classes; see `averaged`."""
f1_micro = _declare_average(f1, "micro")
"""`f1` of several classes: the counts of all classes together; see `averaged`."""
f1_weighted = _declare_average(f1, "weighted")
"""`f1` of several classes: their mean, weighted by their frequency; see `averaged`."""


def confusion_matrix(classes: int) -> Metric:
    """The weight of the samples of each class (row) that are predicted as each class (column).

    Its value is an array (classes, classes); without weights it holds counts.
    """
    classes = check_count("classes", classes, at_least=2)

    def statistics(prediction: Array, target: Array, weight: Array | None) -> Statistics:
        labels = read_labels(prediction, target, weight)
        if labels.classes != classes:
            raise ShapeError(
                f"prediction of shape {prediction.shape} has {labels.classes} classes, but "
                f"confusion_matrix({classes}) was asked for."
            )
        samples = math.prod(labels.actual.shape)
        actual = one_hot(labels.actual.reshape((samples,)), classes, labels.weight.dtype)
        predicted = one_hot(labels.predicted.reshape((samples,)), classes, labels.weight.dtype)
        weight_column = labels.weight.reshape((samples, 1))
        return {"matrix": (actual * weight_column).T @ predicted, "outside": labels.outside}

    def value(statistics: Statistics) -> Any:
        refuse_outside(statistics)
        return np.asarray(statistics["matrix"], float)

    return Metric("confusion_matrix", statistics, value, greater_is_better=None)


declare("confusion_matrix", confusion_matrix)
