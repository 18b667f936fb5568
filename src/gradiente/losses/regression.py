"""Losses of predicted numbers.

prediction and target have one shape, (n,) or (n, outputs), or differ by a last axis of length 1;
other shapes raise `ShapeError`. Targets are cast to the data type of the prediction.
"""

import math

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, matched
from gradiente.base.errors import InvalidArgumentError
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
def half_mse(prediction: Array, target: Array) -> Array:
    """Half the mean squared error: l = ½ (ŷ - y)², whose gradient is the error itself.

    `optax.losses.l2_loss`, and the squared error of scikit-learn's networks.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    error = prediction - target
    return 0.5 * error * error


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
def mape(prediction: Array, target: Array, *, eps: float = 1e-7) -> Array:
    """Mean absolute percentage error: l = 100 |ŷ - y| / max(|y|, eps).

    Its minimum is a median weighted by 1/|y|, which lies below the median. In percent, as in Keras.

    Source: none.
    """
    eps = check_number("eps", eps, above=0)
    prediction, target = matched(prediction, target)
    return 100.0 * np.abs(prediction - target) / np.maximum(np.abs(target), eps)


@declare
@loss
def msle(prediction: Array, target: Array) -> Array:
    """Mean squared logarithmic error: l = (log(1 + max(ŷ, 0)) - log(1 + max(y, 0)))².

    For amounts over several orders of magnitude. A negative prediction counts as 0 and has no
    gradient, as in Keras: let the network end in softplus or exp.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    error = np.log1p(np.maximum(prediction, 0.0)) - np.log1p(np.maximum(target, 0.0))
    return error * error


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
def smooth_l1(prediction: Array, target: Array, *, beta: float = 1.0) -> Array:
    """The Huber loss divided by its threshold, with e = ŷ - y:

        l = ½ e² / beta     where |e| < beta
        l = |e| - ½ beta    elsewhere

    beta: 0 gives the absolute error. Girshick, Fast R-CNN, 2015. `torch.nn.SmoothL1Loss`.
    """
    beta = check_number("beta", beta, at_least=0)
    prediction, target = matched(prediction, target)
    error = prediction - target
    size = np.abs(error)
    if beta == 0:
        return size
    return np.where(size < beta, (0.5 / beta) * error * error, size - 0.5 * beta)


@declare
@loss
def log_cosh(prediction: Array, target: Array) -> Array:
    """Squared for small errors, absolute for large ones: l = log cosh(ŷ - y).

    Twice differentiable everywhere; exact for errors of any size. `optax.losses.log_cosh`.

    Source: none.
    """
    prediction, target = matched(prediction, target)
    size = np.abs(prediction - target)
    near = np.where(size < 1, prediction - target, np.zeros((), prediction.dtype))
    # ½ log(1 + sinh² e) keeps the small values that |e| + log(1 + exp(-2|e|)) - log 2 cancels.
    small = 0.5 * np.log1p(np.sinh(near) ** 2)
    return np.where(size < 1, small, size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0))


@declare
@loss
def linex(prediction: Array, target: Array, *, asymmetry: float = 1.0) -> Array:
    """Linear on one side and exponential on the other, with e = ŷ - y:

        l = exp(a e) - a e - 1

    asymmetry: a; above 0 predictions that are too high cost more, below 0 those that are too low.
    Near e = 0 it is ½ a² e². Varian, A Bayesian Approach to Real Estate Assessment, 1975; Zellner,
    JASA 81, 1986. Raises `InvalidArgumentError` where a is 0.
    """
    asymmetry = check_number("asymmetry", asymmetry)
    if asymmetry == 0:
        raise InvalidArgumentError("`asymmetry` is 0: it must be a number other than 0.")
    prediction, target = matched(prediction, target)
    error = asymmetry * (prediction - target)
    return np.expm1(error) - error
