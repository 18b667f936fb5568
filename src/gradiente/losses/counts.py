"""Likelihoods of counts and of positive amounts: Poisson and what allows more variance than it.

prediction and target have one shape, (n,) or (n, outputs), or differ by a last axis of length 1;
other shapes raise `ShapeError`. The network predicts logarithms, which keeps the mean positive. An
exposure, such as the time for which events were counted, is a factor of the mean: add its logarithm
to the prediction in the network.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, matched
from gradiente.base.errors import InvalidArgumentError
from gradiente.losses.loss import declare, loss
from gradiente.losses.parts import aligned, parts
from gradiente.losses.special import at_least, log_gamma, log_rising, times_log
from gradiente.trace.functions import m


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


@declare
@loss(inputs=("log_mean", "log_dispersion"))
def negative_binomial(
    prediction: Any, target: Array, *, dispersion: float | None = None, full: bool = False
) -> Array:
    """Counts with more variance than Poisson's: mean μ, variance μ + α μ².

        l = (y + 1/α) log(1 + α μ) - y log(α μ) - log Γ(y + 1/α) + log Γ(1/α)

    prediction: log μ and log α, as a pair or as (n, 2 · outputs); with `dispersion` only log μ.
    dispersion: α, if it is known; as it goes to 0, l goes to the loss of Poisson.
    full: add log y!, which makes it the negative log-likelihood.
    Hilbe, Negative Binomial Regression, 2011 (NB2); `scipy.stats.nbinom` with n = 1/α and
    p = 1 / (1 + α μ).
    """
    if dispersion is None:
        both = parts(prediction, ("log_mean", "log_dispersion"))
        log_mean, log_dispersion, target = aligned(both, target)
        size = np.exp(-log_dispersion)
    else:
        log_mean, target = matched(prediction, target)
        dispersion = check_number("dispersion", dispersion, above=0)
        log_dispersion, size = math.log(dispersion), np.ones_like(log_mean) / dispersion
    log_odds = log_mean + log_dispersion
    values = size * m.softplus(log_odds) + target * m.softplus(-log_odds) - log_rising(size, target)
    return values + log_gamma(target + 1.0) if full else values


@declare
@loss(inputs=("log_rate", "zero_logit"))
def zero_inflated_poisson(prediction: Any, target: Array, *, full: bool = False) -> Array:
    """Counts that are 0 for a reason of their own with probability π, and Poisson otherwise:

        l = -log(π + (1 - π) exp(-λ))            where y = 0
        l = -log(1 - π) + λ - y log λ            elsewhere

    prediction: log λ and the logit of π, as a pair or as (n, 2 · outputs).
    full: add log y!, which makes it the negative log-likelihood.
    Lambert, Technometrics 34, 1992.
    """
    log_rate, logit, target = aligned(parts(prediction, ("log_rate", "zero_logit")), target)
    rate = np.exp(log_rate)
    zero = -np.logaddexp(logit, -rate)
    some = rate - target * log_rate
    values = m.softplus(logit) + np.where(target == 0, zero, some)
    return values + log_gamma(target + 1.0) if full else values


@declare
@loss
def gamma(
    prediction: Array,
    target: Array,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
) -> Array:
    """Positive amounts y whose standard deviation is proportional to their mean μ:

        l = log μ + y / μ

    prediction: log μ, or with `log_input=False` μ itself, of which at least eps is taken.
    full: add the constant that makes it half the deviance, -1 - log y.
    McCullagh and Nelder, Generalized Linear Models, 1989. Targets must be above 0.
    """
    prediction, target = matched(prediction, target)
    if log_input:
        values = prediction + target * np.exp(-prediction)
    else:
        mean = at_least(prediction, eps)
        values = np.log(mean) + target / mean
    return values - 1.0 - np.log(target) if full else values


@declare
@loss
def tweedie(
    prediction: Array,
    target: Array,
    *,
    power: float = 1.5,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
) -> Array:
    """Half the deviance of amounts with variance proportional to μᵖ, up to a constant:

        l = μ²⁻ᵖ / (2 - p) - y μ¹⁻ᵖ / (1 - p)

    power: p. Between 1 and 2 for amounts that are often exactly 0, such as claims; 1 is `poisson`,
    2 is `gamma`, 3 the inverse Gaussian distribution, 0 half the squared error.
    prediction: log μ, or with `log_input=False` μ itself, of which at least eps is taken.
    full: add the constant that makes it half the deviance, max(y, 0)²⁻ᵖ / ((1 - p)(2 - p)).
    Jørgensen, The Theory of Dispersion Models, 1997.
    Raises `InvalidArgumentError` for a power between 0 and 1, for which there is no distribution.
    """
    power = check_number("power", power)
    if 0 < power < 1:
        raise InvalidArgumentError(f"`power` is {power}: it must be at most 0 or at least 1.")
    prediction, target = matched(prediction, target)
    log_mean = prediction if log_input else np.log(at_least(prediction, eps))
    values = _power_of(log_mean, 2 - power) - target * _power_of(log_mean, 1 - power)
    if not full:
        return values
    if power == 1:
        return values + times_log(target) - target
    if power == 2:
        return values - 1.0 - np.log(target)
    return values + np.maximum(target, 0.0) ** (2 - power) / ((1 - power) * (2 - power))


def _power_of(log_mean: Array, exponent: float) -> Array:
    """μᵃ / a, and log μ where a is 0: what is left of μᵃ / a without a constant."""
    return log_mean if exponent == 0 else np.exp(exponent * log_mean) / exponent
