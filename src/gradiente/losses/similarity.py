"""Losses of vectors and scores that are compared in pairs, triplets and lists.

The vectors of one sample are the parts of the prediction: a tuple or dict of arrays (n, features),
or one array (n, parts, features).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array, matched
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.classes import signs
from gradiente.losses.loss import declare, loss
from gradiente.losses.parts import aligned, parts, vectors
from gradiente.losses.special import cosine
from gradiente.trace.functions import m


@declare
@loss
def cosine_distance(prediction: Array, target: Array) -> Array:
    """One minus the cosine of the angle between two vectors: l = 1 - ŷ · y / (|ŷ| |y|).

    prediction, target: (n, ..., features). Lengths are at least 1e-8, as in PyTorch.
    `optax.losses.cosine_distance`; `keras.losses.CosineSimilarity` is this minus 1.

    Source: none.
    """
    if prediction.ndim < 2 or prediction.shape != target.shape:
        raise ShapeError(
            f"cosine_distance compares vectors (n, features) of one shape, but prediction has "
            f"shape {prediction.shape} and target has shape {target.shape}."
        )
    return 1.0 - cosine(*matched(prediction, target))


def _signs_of(target: Array, like: Array) -> Array:
    """+1 or -1 for each sample, in the type of the vectors."""
    if target.shape not in (like.shape, (*like.shape, 1)):
        raise ShapeError(
            f"the target says 1 or -1 for each pair, shape {like.shape}, but has shape "
            f"{target.shape}."
        )
    return signs(target.reshape(like.shape).astype(like.dtype))


@declare
@loss(inputs=("first", "second"))
def cosine_embedding(prediction: Any, target: Array, *, margin: float = 0.0) -> Array:
    """Pairs should point the same way for y = 1, and apart for y = -1:

        l = 1 - cos(a, b)                  where y = 1
        l = max(0, cos(a, b) - margin)     where y = -1

    prediction: a and b, a pair of (n, features) or (n, 2, features); target: (n,).
    `torch.nn.CosineEmbeddingLoss`.

    Source: none.
    """
    margin = check_number("margin", margin, at_least=-1, at_most=1)
    first, second = vectors(prediction, ("first", "second"))
    similarity = cosine(first, second)
    sign = _signs_of(target, similarity)
    return np.where(sign > 0, 1.0 - similarity, np.maximum(similarity - margin, 0.0))


@declare
@loss(inputs=("first", "second"))
def margin_ranking(prediction: Any, target: Array, *, margin: float = 0.0) -> Array:
    """The first score should exceed the second for y = 1, and stay below it for y = -1:

        l = max(0, -y (a - b) + margin)

    prediction: a and b, a pair of (n,) or (n, 1), or (n, 2); target: (n,) or (n, 1).
    Herbrich et al., 2000. `torch.nn.MarginRankingLoss`.
    """
    margin = check_number("margin", margin)
    first, second, target = aligned(parts(prediction, ("first", "second")), target)
    return np.maximum(margin - signs(target) * (first - second), 0.0)


TRIPLET = ("anchor", "positive", "negative")


@declare
@loss(inputs=TRIPLET)
def triplet_margin(
    prediction: Any,
    target: Array = None,
    *,
    margin: float = 1.0,
    power: float = 2.0,
    swap: bool = False,
    eps: float = 1e-6,
) -> Array:
    """The anchor should be nearer to the positive than to the negative, by a margin:

        l = max(0, d(a, p) - d(a, n) + margin),    d(a, b) = (Σ |a - b + eps|ᵖ)^(1/p)

    prediction: a, p and n, a triple of (n, features) or (n, 3, features). target: not used.
    power: p. swap: take d(p, n) for d(a, n) where it is smaller.
    Balntas et al., BMVC 2016. `torch.nn.TripletMarginLoss`.
    """
    power = check_number("power", power, above=0)
    eps = check_number("eps", eps, at_least=0)

    def distance(a: Array, b: Array) -> Array:
        size = np.abs(a - b + eps)
        if power == 1:
            return np.sum(size, axis=-1)
        if power == 2:
            return np.sqrt(np.sum(size * size, axis=-1))
        return np.sum(size**power, axis=-1) ** (1.0 / power)

    return _triplet(prediction, distance, margin, swap)


@declare
@loss(inputs=TRIPLET)
def triplet_margin_with_distance(
    prediction: Any,
    target: Array = None,
    *,
    distance: Callable[[Array, Array], Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
) -> Array:
    """`triplet_margin` with a distance d of your own: l = max(0, d(a, p) - d(a, n) + margin).

    distance: a function of two arrays (n, features) that gives (n,), written with NumPy functions;
    by default the Euclidean distance with eps 1e-6. Balntas et al., BMVC 2016.
    `torch.nn.TripletMarginWithDistanceLoss`.
    Raises `InvalidArgumentError` for what cannot be called.
    """
    if distance is None:
        return _triplet(prediction, _euclidean, margin, swap)
    if not callable(distance):
        raise InvalidArgumentError(f"`distance` is {distance!r}: it must be a function (a, b).")
    return _triplet(prediction, distance, margin, swap)


def _euclidean(a: Array, b: Array) -> Array:
    difference = a - b + 1e-6
    return np.sqrt(np.sum(difference * difference, axis=-1))


def _triplet(
    prediction: Any, distance: Callable[[Array, Array], Array], margin: float, swap: bool
) -> Array:
    margin = check_number("margin", margin)
    anchor, positive, negative = vectors(prediction, TRIPLET)
    apart = distance(anchor, negative)
    if swap:
        apart = np.minimum(apart, distance(positive, negative))
    return np.maximum(distance(anchor, positive) - apart + margin, 0.0)


@declare
@loss
def ranking_softmax(prediction: Array, target: Array, *, mask: Array | None = None) -> Array:
    """The items of a list should be ordered by their relevance: l = -Σ y log softmax(s).

    prediction: scores s (n, ..., items); target: relevances y of the same shape, at least 0.
    mask: with the shape of the items, false where a list is shorter.
    Cao et al., ListNet, ICML 2007. `optax.losses.ranking_softmax_loss`.
    """
    if prediction.shape != target.shape or prediction.ndim < 2:
        raise ShapeError(
            f"ranking_softmax needs scores and relevances (n, items) of one shape, but prediction "
            f"has shape {prediction.shape} and target has shape {target.shape}."
        )
    scores, relevance = matched(prediction, target)
    if mask is None:
        return -np.sum(relevance * m.log_softmax(scores), axis=-1)
    if mask.shape != scores.shape:
        raise ShapeError(
            f"the mask of ranking_softmax has shape {mask.shape}, but the scores {scores.shape}."
        )
    # Far below all others rather than -inf, so that an empty list does not become not a number.
    scores = np.where(mask, scores, np.min(scores, axis=-1, keepdims=True) - 1e4)
    return -np.sum(np.where(mask, relevance * m.log_softmax(scores), 0.0), axis=-1)
