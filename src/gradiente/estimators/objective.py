"""What an estimator minimizes: scikit-learn's names of losses, and every loss of the library."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradiente.base.batch import Array, matched
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.losses.classification import binary_cross_entropy, cross_entropy
from gradiente.losses.counts import poisson
from gradiente.losses.loss import find_loss, loss
from gradiente.losses.regression import half_mse
from gradiente.trace.functions import m

LossFunction = Callable[..., Any]


@loss
def label_log_loss(prediction: Array, target: Array) -> Array:
    """The cross entropy of all labels of a sample together: l = Σ softplus(z) - y z."""
    logits, target = matched(prediction, target)
    return np.sum(m.softplus(logits) - target * logits, axis=-1)


def _found(given: Any) -> LossFunction:
    if isinstance(given, str):
        return find_loss(given)
    if callable(given):
        return given
    raise InvalidArgumentError(f"`loss` is {given!r}: it must be a function or the name of a loss.")


def classification_loss(given: Any, kind: str) -> tuple[LossFunction, bool]:
    """The loss for targets of a kind, and whether it wants one output per class.

    kind: "binary", "multiclass" or "multilabel". For several classes there is one output for each,
    and the targets are numbers of classes; for labels one output for each, and the targets are 0
    and 1. Two classes have one output, unless the loss compares outputs of several classes.
    """
    if given == "log_loss":
        by_kind = {"binary": binary_cross_entropy, "multiclass": cross_entropy}
        return by_kind.get(kind, label_log_loss), kind == "multiclass"
    function = _found(given)
    return function, kind == "multiclass" or (kind == "binary" and _wants_classes(function))


def _wants_classes(function: LossFunction) -> bool:
    """Whether a loss refuses a single output, as those of several classes do."""
    try:
        function(np.zeros((2, 1)), np.array([[0.0], [1.0]]))
    except (ShapeError, TypeMismatchError):
        return True
    return False


def regression_loss(given: Any) -> LossFunction:
    """The loss of real targets; `poisson` is of the logarithm of the prediction."""
    if given == "squared_error":
        return half_mse
    if given == "poisson":
        return partial(poisson, log_input=True)
    return _found(given)
