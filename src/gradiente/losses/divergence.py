"""How far one distribution is from another, both given for the same outcomes on the last axis.

prediction: logarithms of probabilities (n, ..., outcomes), as log_softmax gives them, so that small
ones do not vanish; target: probabilities of the same shape. The loss of a position is the sum over
its outcomes, which is `reduction="batchmean"` in PyTorch, and what the divergence is; PyTorch's
default divides by the number of outcomes as well.
"""

import numpy as np

from gradiente.base.batch import Array, matched
from gradiente.base.errors import ShapeError
from gradiente.losses.loss import declare, loss
from gradiente.losses.special import times_log


def _matched(prediction: Array, target: Array) -> tuple[Array, Array]:
    if prediction.shape != target.shape or prediction.ndim < 2:
        raise ShapeError(
            f"a divergence compares distributions (n, outcomes) of one shape, but prediction has "
            f"shape {prediction.shape} and target has shape {target.shape}."
        )
    return matched(prediction, target)


@declare
@loss
def kl_divergence(prediction: Array, target: Array, *, log_target: bool = False) -> Array:
    """The Kullback-Leibler divergence of the prediction from the target: l = Σ p (log p - q).

    prediction: q, logarithms of probabilities; target: probabilities p, or with `log_target` their
    logarithms. Where p is 0 a term is 0.
    Kullback and Leibler, 1951. `torch.nn.KLDivLoss(reduction="batchmean")`,
    `optax.losses.kl_divergence` and `kl_divergence_with_log_targets`.
    """
    prediction, target = _matched(prediction, target)
    if log_target:
        return np.sum(np.exp(target) * (target - prediction), axis=-1)
    return np.sum(times_log(target) - target * prediction, axis=-1)


@declare
@loss
def generalized_kl_divergence(prediction: Array, target: Array) -> Array:
    """The divergence of positive amounts that need not sum to 1: l = Σ p (log p - q) + exp(q) - p.

    Convex in both, and 0 only where they are equal: the Bregman divergence of x log x - x, which
    Optax also calls the convex one. prediction: q, the logarithms; target: p.
    Boyd and Vandenberghe, Convex Optimization, 2004, page 90.
    `optax.losses.generalized_kl_divergence`.
    """
    prediction, target = _matched(prediction, target)
    difference = np.exp(prediction) - target
    return np.sum(times_log(target) - target * prediction + difference, axis=-1)
