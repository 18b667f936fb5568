"""Losses of times until an event, which may not have been seen yet.

target: (n, 2), the time and whether the event was seen then (1) or the sample left before it (0).
"""

import numpy as np

from gradiente.base.arguments import check_choice
from gradiente.base.batch import Array, expand_weight, working_dtype
from gradiente.base.errors import ShapeError
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m

FAR = -1e30  # the logarithm of nobody: its exponential is 0, and its gradient finite


@declare
@loss
def cox(
    prediction: Array,
    target: Array,
    sample_weight: Array | None = None,
    *,
    ties: str = "efron",
) -> Terms:
    """The partial likelihood of proportional hazards: who has the event among those at risk.

        l = log Σ_{j: t[j] >= t[i]} exp(η[j]) - η[i]        for each i whose event was seen

    prediction: log hazard ratios η, (n,) or (n, 1). target: (n, 2), time and event.
    ties: events at one time. "breslow" lets each of d events see all of the risk set R; "efron",
    which is more exact, takes the k-th of them, counted from 0, to see Σ_R - k/d Σ_events.
    The mean over the events, 0 if there is none. A joint loss: samples of a batch are each other's
    risk set, so batches should be large; comparing all pairs takes n² numbers. With Breslow's ties
    a weight counts as so many samples; with Efron's the tied events share their mean weight, as in
    R's `survival`. Cox, 1972; Breslow, 1974; Efron, JASA 72, 1977.
    """
    check_choice("ties", ties, ("efron", "breslow"))
    time, event = _time_and_event("cox", prediction, target)
    count = prediction.shape[0]
    if prediction.shape not in ((count,), (count, 1)):
        raise ShapeError(f"cox needs a prediction (n,) or (n, 1), not {prediction.shape}.")
    score = prediction.reshape((count,))
    if sample_weight is None:
        weight = np.ones(count, score.dtype)
    else:
        weight = expand_weight(sample_weight, (count,)).astype(score.dtype)
    present = weight > 0
    seen = event & present
    log_weight = np.where(present, m.log(np.where(present, weight, 1.0)), FAR)
    terms = np.where(time[None, :] >= time[:, None], (score + log_weight)[None, :], FAR)
    own = weight * seen.astype(score.dtype)
    if ties == "efron":
        tied = (time[None, :] == time[:, None]) & seen[None, :] & seen[:, None]
        number = np.sum(tied.astype(score.dtype), axis=1)
        before = np.sum((tied & np.tri(count, k=-1, dtype=bool)).astype(score.dtype), axis=1)
        share = before / np.maximum(number, 1.0)
        terms = terms + np.where(tied, m.log1p(-share)[:, None], 0.0)
        # Σ over tied events of their mean weight times the logarithm, spread over the events.
        mean = (tied.astype(score.dtype) @ own) / np.maximum(number, 1.0)
    else:
        mean = own
    at_risk = m.logsumexp(terms, axis=1)
    return Terms(mean * np.where(seen, at_risk, 0.0) - own * score, own)


@declare
@loss
def discrete_hazard(prediction: Array, target: Array) -> Array:
    """Survival in intervals of time, each with a hazard of its own, h = σ(z):

        l = -δ log h[k] - (1 - δ) log(1 - h[k]) - Σ_{j < k} log(1 - h[j])

    prediction: logits z (n, intervals). target: (n, 2), the interval k, counted from 0, and
    whether the event was seen in it; a sample without it has survived its interval k.
    Brown, 1975; Gensheimer and Narasimhan, PeerJ 7, 2019.
    """
    interval, event = _time_and_event("discrete_hazard", prediction, target)
    if prediction.ndim != 2:
        raise ShapeError(f"discrete_hazard needs logits (n, intervals), not {prediction.shape}.")
    logits = prediction.astype(working_dtype(prediction, target))
    places = np.arange(logits.shape[1])
    here = interval[:, None] == places
    survived = np.where(places <= interval[:, None], m.softplus(logits), 0.0)
    # -log h + log(1 - h) = -z: an event changes the last term by the logit.
    return np.sum(survived - np.where(here & event[:, None], logits, 0.0), axis=1)


def _time_and_event(name: str, prediction: Array, target: Array) -> tuple[Array, Array]:
    if prediction.ndim < 1 or target.shape != (prediction.shape[0], 2):
        raise ShapeError(
            f"{name} needs a target (n, 2), the time and whether the event was seen, but "
            f"prediction has shape {prediction.shape} and target has shape {target.shape}."
        )
    return target[:, 0], target[:, 1] > 0
