"""Losses of predicted numbers.

prediction and target have one shape, (n,) or (n, outputs), or differ by a last axis of length 1;
other shapes raise `ShapeError`. Targets are cast to the data type of the prediction.
"""

import math
from collections.abc import Sequence

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, align, matched, working_dtype
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.loss import declare, loss


@declare
@loss
def mse(prediction: Array, target: Array) -> Array:
    """Mean squared error: l = (ŷ - y)².

    Its minimum is the mean of the target. `torch.nn.MSELoss`.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    error = prediction - target
    return error * error


@declare
@loss
def mae(prediction: Array, target: Array) -> Array:
    """Mean absolute error: l = |ŷ - y|, with the gradient 0 where the two are equal.

    Its minimum is the median of the target, so that outliers count little. `torch.nn.L1Loss`.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    return np.abs(prediction - target)


@declare
@loss
def huber(prediction: Array, target: Array, *, delta: float = 1.0) -> Array:
    """Squared for small errors, absolute for large ones, with e = ŷ - y:

        l = ½ e²               where |e| <= delta
        l = delta (|e| - ½ delta)   elsewhere

    Huber, Robust Estimation of a Location Parameter, 1964. `torch.nn.HuberLoss`.
    """
    delta = check_number("delta", delta, above=0)
    prediction, target = matched(prediction, target)
    error = prediction - target
    size = np.abs(error)
    return np.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta))


@declare
@loss
def quantile(prediction: Array, target: Array, *, levels: float | Sequence[float] = 0.5) -> Array:
    """The pinball loss, whose minimum is the quantile of the target at level q, with e = y - ŷ:

        l = q e          where e >= 0
        l = (q - 1) e    elsewhere

    levels: one number in (0, 1), or several, for which prediction is (n, ..., levels) with one
    output per level and target is (n, ...) or (n, ..., 1); the mean over the levels is taken.
    Koenker and Bassett, Regression Quantiles, 1978.
    """
    several = isinstance(levels, Sequence | np.ndarray)
    values = np.array(levels if several else [levels], dtype=float)
    if values.ndim != 1 or not values.size or not ((values > 0) & (values < 1)).all():
        raise InvalidArgumentError(f"quantile needs levels between 0 and 1, not {levels}.")
    dtype = working_dtype(prediction, target)
    if several:
        target = _column(prediction, target, len(values))
    else:
        prediction, target = align(prediction, target)
    error = target.astype(dtype) - prediction.astype(dtype)
    # The same function as above in a form whose gradient at e = 0 lies between its two sides.
    return 0.5 * np.abs(error) + (values - 0.5).astype(dtype) * error


def _column(prediction: Array, target: Array, levels: int) -> Array:
    """The target with a last axis of length 1, which meets every level."""
    if prediction.ndim >= 2 and prediction.shape[-1] == levels:
        column = (*prediction.shape[:-1], 1)
        if target.shape in (prediction.shape[:-1], column):
            return target.reshape(column)
    raise ShapeError(
        f"quantile at {levels} levels needs a prediction (n, {levels}) and a target (n,), but "
        f"they have the shapes {prediction.shape} and {target.shape}."
    )


@declare
@loss
def poisson(
    prediction: Array,
    target: Array,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
) -> Array:
    """Negative log-likelihood of counts y under a Poisson distribution, up to a constant:

        l = exp(ŷ) - y ŷ           log_input: the network predicts the logarithm of the rate
        l = ŷ - y log(ŷ + eps)     not log_input: it predicts the rate itself

    full: add Stirling's approximation of the constant, y log y - y + ½ log(2π y) where y > 1.
    `torch.nn.PoissonNLLLoss`.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    if log_input:
        values = np.exp(prediction) - target * prediction
    else:
        values = prediction - target * np.log(prediction + eps)
    if not full:
        return values
    count = np.where(target > 1, target, 1.0)
    constant = count * np.log(count) - count + 0.5 * np.log(2.0 * math.pi * count)
    return values + np.where(target > 1, constant, 0.0)
