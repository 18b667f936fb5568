"""What a loss is: a value for each element, made into the weighted mean over a batch."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from gradiente.base.batch import Array, expand_weight, repetitions
from gradiente.base.errors import TypeMismatchError
from gradiente.base.registry import enter, find


class Terms(NamedTuple):
    """The elements of a loss, Σ values / Σ weights; both of one shape, beginning with the samples.

    `values` contain their weights already. Without `weights` every element counts as one.
    """

    values: Array
    weights: Array | None = None


@runtime_checkable
class Loss(Protocol):
    """A function of prediction and target that says, as one number, how wrong the prediction is.

    Calling it gives the weighted mean over the batch, Σ w l / Σ w, where w is `sample_weight`, one
    number per sample or per position. A mean over no weight at all is zero, so that a batch in
    which everything is ignored moves nothing.

    `per_sample(prediction, target)` gives the loss of each sample alone, shape (n,).
    `totals(prediction, target, sample_weight=None)` gives Σ w l and Σ w apart: added up over
    batches of any size, their quotient is the loss of all the data.
    """

    __name__: str
    per_sample: Callable[..., Array]
    totals: Callable[..., tuple[Array, Array | float]]

    def __call__(
        self, prediction: Array, target: Array, sample_weight: Array | None = None, **options: Any
    ) -> Array:
        """The weighted mean over the batch."""


LOSSES: dict[str, Loss] = {}
"""Every loss by name."""


def declare(loss: Loss) -> Loss:
    """Enter a loss into `LOSSES` under its name."""
    enter(LOSSES, "a loss", loss.__name__, loss)
    return loss


def find_loss(name: str) -> Loss:
    """The loss called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(LOSSES, "a loss", name)


def loss(per_element: Callable[..., Array | Terms]) -> Loss:
    """Make a loss of a function that gives one value per element, for the library and for users.

        @losses.loss
        def log_cosh(prediction, target):
            error = prediction - target
            return np.logaddexp(error, -error) - math.log(2.0)

    The function takes prediction, target and keyword options, and returns an array whose first
    axis counts the samples, or `Terms` where elements have weights of their own.
    """

    @functools.wraps(per_element)
    def public(
        prediction: Array, target: Array, sample_weight: Array | None = None, **options: Any
    ) -> Array:
        terms = _terms(per_element(prediction, target, **options))
        if terms.weights is None and sample_weight is None:
            return np.mean(terms.values)
        return _mean(*_totals(terms, sample_weight))

    def per_sample(prediction: Array, target: Array, **options: Any) -> Array:
        terms = _terms(per_element(prediction, target, **options))
        positions = tuple(range(1, terms.values.ndim))
        if terms.weights is None:
            return np.mean(terms.values, axis=positions) if positions else terms.values
        return _mean(np.sum(terms.values, axis=positions), np.sum(terms.weights, axis=positions))

    def totals(
        prediction: Array, target: Array, sample_weight: Array | None = None, **options: Any
    ) -> tuple[Array, Array | float]:
        return _totals(_terms(per_element(prediction, target, **options)), sample_weight)

    made: Any = public
    made.per_sample, made.totals = per_sample, totals
    made.__signature__ = _with_sample_weight(inspect.signature(per_element))
    return made


def _with_sample_weight(signature: inspect.Signature) -> inspect.Signature:
    prediction, target, *options = signature.parameters.values()
    weight = inspect.Parameter(
        "sample_weight",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None,
        annotation=Array | None,
    )
    return signature.replace(parameters=[prediction, target, weight, *options])


def _terms(result: Array | Terms) -> Terms:
    return result if isinstance(result, Terms) else Terms(result)


def _totals(terms: Terms, sample_weight: Array | None) -> tuple[Array, Array | float]:
    values, weights = terms
    if sample_weight is None:
        return np.sum(values), float(values.size) if weights is None else np.sum(weights)
    sample_weight = expand_weight(sample_weight, values.shape).astype(values.dtype)
    if weights is None:
        total_weight = np.sum(sample_weight) * repetitions(sample_weight, values.shape)
    else:
        total_weight = np.sum(sample_weight * weights)
    return np.sum(sample_weight * values), total_weight


def _mean(total: Array, weight: Array | float) -> Array:
    empty = weight == 0
    return np.where(empty, 0.0, total / np.where(empty, 1.0, weight))


def totals(
    loss: Callable[..., Array], prediction: Array, target: Array, sample_weight: Array | None = None
) -> tuple[Array, Array | float]:
    """`loss.totals` for anything that can be a loss: one of ours, a partial of it, any function.

    Of a function of prediction and target only the mean is known, so it cannot be weighted:
    `TypeMismatchError` where there are weights.
    """
    options: dict[str, Any] = {}
    if isinstance(loss, functools.partial) and not loss.args:
        options, loss = loss.keywords, loss.func
    if isinstance(loss, Loss):
        return loss.totals(prediction, target, sample_weight, **options)
    if sample_weight is not None:
        raise TypeMismatchError(
            f"the loss `{getattr(loss, '__name__', loss)}` cannot be weighted. Let it return one "
            "value per sample and decorate it with `losses.loss`, which makes the weighted mean."
        )
    number = float(prediction.shape[0])
    return loss(prediction, target, **options) * number, number
