"""Losses of predicted distributions of a number: likelihoods and ranked probability scores.

The scale of a distribution must be positive. It is taken to be at least `eps`, with the gradient
passing as if it were not, as in PyTorch; a network without an activation that makes it positive
predicts its logarithm instead.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.batch import Array
from gradiente.base.errors import ShapeError
from gradiente.losses.loss import declare, loss
from gradiente.losses.parts import aligned, parts
from gradiente.losses.special import LOG_TWO_PI, at_least
from gradiente.trace.functions import m


@declare
@loss(inputs=("mean", "variance"))
def gaussian_nll(
    prediction: Any,
    target: Array,
    *,
    log_variance: bool = False,
    full: bool = False,
    eps: float = 1e-6,
) -> Array:
    """Negative log-likelihood of a normal distribution, up to a constant:

        l = ½ (log v + (y - μ)² / v)

    prediction: mean μ and variance v, as a pair or as (n, 2 · outputs).
    log_variance: the second part is log v. full: add the constant ½ log 2π.
    Nix and Weigend, ICNN 1994. `torch.nn.GaussianNLLLoss`.
    """
    mean, variance, target = aligned(parts(prediction, ("mean", "variance")), target)
    error = target - mean
    if log_variance:
        values = 0.5 * (variance + error * error * np.exp(-variance))
    else:
        variance = at_least(variance, eps)
        values = 0.5 * (np.log(variance) + error * error / variance)
    return values + 0.5 * LOG_TWO_PI if full else values


@declare
@loss(inputs=("logits", "means", "log_scales"))
def mixture_density(prediction: Any, target: Array) -> Array:
    """Negative log-likelihood of a mixture of normal distributions with independent coordinates:

        l = -log Σₖ softmax(z)ₖ Πⱼ N(yⱼ; μₖⱼ, σₖⱼ)

    prediction: logits z (n, ..., k), means μ and logarithms of the standard deviations σ, both
    (n, ..., k) for a target (n, ...), or (n, ..., k, d) for a target (n, ..., d). As one array, the
    three side by side on the last axis, k (1 + 2 d) numbers; d is 1 unless the target has the axes
    of the prediction.
    Bishop, Mixture Density Networks, 1994. Raises `ShapeError` where the shapes do not fit.
    """
    logits, means, log_scales, target = _mixture(prediction, target)
    distance = (target - means) * np.exp(-log_scales)
    each = -0.5 * (distance * distance + LOG_TWO_PI) - log_scales  # (n, ..., k, d)
    return -m.logsumexp(m.log_softmax(logits) + np.sum(each, axis=-1), axis=-1)


def _mixture(prediction: Any, target: Array) -> tuple[Array, Array, Array, Array]:
    """Logits (..., k), means and log scales (..., k, d), and the target (..., 1, d)."""
    if isinstance(prediction, tuple | list | dict):
        logits, means, log_scales = parts(prediction, ("logits", "means", "log_scales"))
        if means.ndim == logits.ndim:
            means, log_scales = means[..., None], log_scales[..., None]
        size = means.shape[-1]
    else:
        size = target.shape[-1] if target.ndim == prediction.ndim else 1
        count, rest = divmod(prediction.shape[-1], 1 + 2 * size)
        if prediction.ndim < 2 or rest or not count:
            raise ShapeError(
                f"mixture_density of targets {target.shape} needs a multiple of {1 + 2 * size} "
                f"outputs, but prediction has shape {prediction.shape}."
            )
        logits, means, log_scales = np.split(prediction, [count, count * (1 + size)], axis=-1)
        shape = (*logits.shape, size)
        means, log_scales = means.reshape(shape), log_scales.reshape(shape)
    positions = logits.shape[:-1]
    fitting = [(*positions, size)] + ([positions] if size == 1 else [])
    if target.shape not in fitting or means.shape != (*logits.shape, size):
        raise ShapeError(
            f"mixture_density got logits {logits.shape}, means {means.shape}, log_scales "
            f"{log_scales.shape} and a target {target.shape}: write (n, k), (n, k), (n, k) and "
            "(n,), or (n, k), (n, k, d), (n, k, d) and (n, d)."
        )
    target = target.astype(logits.dtype).reshape((*positions, 1, size))
    return logits, means, log_scales, target


@declare
@loss(inputs=("mean", "scale"))
def gaussian_crps(
    prediction: Any, target: Array, *, log_scale: bool = False, eps: float = 1e-6
) -> Array:
    """Continuous ranked probability score of a normal distribution, with z = (y - μ) / σ:

        l = σ (z (2 Φ(z) - 1) + 2 φ(z) - 1 / √π)

    It is in the units of the target, and tends to the absolute error as σ goes to 0.
    prediction: mean μ and standard deviation σ, as a pair or as (n, 2 · outputs).
    log_scale: the second part is log σ.
    Gneiting and Raftery, JASA 102, 2007.
    """
    mean, scale, target = aligned(parts(prediction, ("mean", "scale")), target)
    scale = np.exp(scale) if log_scale else at_least(scale, eps)
    z = (target - mean) / scale
    density = math.sqrt(2.0 / math.pi) * np.exp(-0.5 * z * z)
    return scale * (z * m.erf(z * math.sqrt(0.5)) + density - 1.0 / math.sqrt(math.pi))


@declare
@loss
def ensemble_crps(prediction: Array, target: Array, *, fair: bool = False) -> Array:
    """Continuous ranked probability score of the members x of an ensemble:

        l = 1/k Σᵢ |xᵢ - y| - 1/(2 k²) Σᵢⱼ |xᵢ - xⱼ|

    prediction: (n, ..., k), one output per member; target: (n, ...) or (n, ..., 1).
    fair: divide by 2 k (k - 1) instead, which makes it unbiased for few members; this needs two.
    Gneiting and Raftery, JASA 102, 2007; Ferro, QJRMS 140, 2014.
    Raises `ShapeError` where the shapes do not fit.
    """
    positions, members = prediction.shape[:-1], prediction.shape[-1] if prediction.ndim else 0
    if (
        prediction.ndim < 2
        or target.shape not in (positions, (*positions, 1))
        or members < 1 + bool(fair)
    ):
        raise ShapeError(
            f"ensemble_crps needs a prediction (n, members), with two members if `fair`, and a "
            f"target (n,), but they have the shapes {prediction.shape} and {target.shape}."
        )
    error = prediction - target.astype(prediction.dtype).reshape((*positions, 1))
    pairs = np.abs(prediction[..., :, None] - prediction[..., None, :])
    count = members * (members - 1) if fair else members * members
    return np.mean(np.abs(error), axis=-1) - np.sum(pairs, axis=(-2, -1)) / (2.0 * count)
