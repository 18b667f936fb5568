"""Losses that compare every sample of a batch with every other one: learning embeddings.

They are joint: the loss of the data is not the sum over its batches. A sample that is masked, or of
weight 0, is not there for the others either; other weights count the samples as anchors.
"""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.batch import Array
from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.gradient.control import stop_gradient
from gradiente.losses.loss import Terms, declare, loss
from gradiente.losses.parts import vectors
from gradiente.losses.special import unit
from gradiente.trace.functions import m

FAR = -1e30  # a logit of nobody: its exponential is 0, and its gradient finite


@declare
@loss
def ntxent(
    prediction: Array,
    target: Array,
    sample_weight: Array | None = None,
    *,
    temperature: float = 0.07,
) -> Terms:
    """Normalised temperature-scaled cross entropy: samples of one label are near, others far.

        l = -log exp(s[i,j]) / (exp(s[i,j]) + Σ_{k of another label} exp(s[i,k]))

    for all pairs i, j of one label, with s the cosine divided by the temperature; the mean over the
    pairs. A sample without a partner is far from the others only.
    prediction: embeddings (n, features); target: integer labels (n,), one for each group.
    Chen et al., SimCLR, ICML 2020. `optax.losses.ntxent`.
    """
    similarity, same, present, weight = _pairs("ntxent", prediction, target, sample_weight)
    similarity = similarity / check_number("temperature", temperature, above=0)
    others = np.where(~same & present, similarity, FAR)
    positive = same & present & ~np.eye(prediction.shape[0], dtype=bool)
    against = m.logsumexp(others, axis=1)[:, None]
    # -log of a share with one competitor is the softplus of how far the competitor leads.
    values = np.where(positive, m.softplus(against - similarity), 0.0)
    count = np.sum(positive.astype(similarity.dtype), axis=1)
    return Terms(weight * np.sum(values, axis=1), weight * count)


@declare
@loss
def circle(
    prediction: Array,
    target: Array,
    sample_weight: Array | None = None,
    *,
    scale: float = 80.0,
    margin: float = 0.4,
) -> Terms:
    """Every similarity is weighted by its distance from where it should be, with s the cosine:

        l = log(1 + Σ exp(γ [sₙ + m]₊ (sₙ - m)) · Σ exp(-γ [1 + m - sₚ]₊ (sₚ - 1 + m)))

    for each anchor, over sₚ to samples of its label and sₙ to the others. The factors in brackets
    are constants for the gradient, as in the paper. An anchor without either kind does not count.
    prediction: embeddings (n, features), normalised here; target: integer labels (n,).
    scale: γ. margin: m. Sun et al., Circle Loss, CVPR 2020; the constants are those of Keras, the
    paper has 256 and 0.25.
    """
    scale = check_number("scale", scale, above=0)
    margin = check_number("margin", margin, above=0, below=1)
    similarity, same, present, weight = _pairs("circle", prediction, target, sample_weight)
    positive = same & present & ~np.eye(prediction.shape[0], dtype=bool)
    negative = ~same & present
    pull = stop_gradient(np.maximum(1.0 + margin - similarity, 0.0)) * (1.0 - margin - similarity)
    push = stop_gradient(np.maximum(similarity + margin, 0.0)) * (similarity - margin)
    near = m.logsumexp(np.where(positive, scale * pull, FAR), axis=1)
    far = m.logsumexp(np.where(negative, scale * push, FAR), axis=1)
    counts = np.any(positive, axis=1) & np.any(negative, axis=1)
    weight = weight * counts.astype(similarity.dtype)
    return Terms(weight * m.softplus(np.where(counts, near + far, 0.0)), weight)


@declare
@loss(inputs=("query", "key"))
def info_nce(
    prediction: Any,
    target: Array = None,
    sample_weight: Array | None = None,
    *,
    temperature: float = 0.1,
    queue: Array | None = None,
) -> Terms:
    """A query should find its own key among those of the batch: cross entropy of the cosines.

        l = -log exp(q · kᵢ / τ) / Σⱼ exp(q · kⱼ / τ)

    prediction: queries and keys, a pair of (n, features) or (n, 2, features). target: not used.
    queue: more keys that are wrong for all, (m, features), as in MoCo.
    Oord, Li and Vinyals, 2018; He et al., Momentum Contrast, CVPR 2020.
    """
    temperature = check_number("temperature", temperature, above=0)
    query, key = (unit(part) for part in vectors(prediction, ("query", "key")))
    if query.ndim != 2:
        raise ShapeError(f"info_nce needs vectors (n, features), not {query.shape}.")
    weight, present = _weight(query, sample_weight)
    own = np.eye(query.shape[0], dtype=bool)
    logits = np.where(own | present, query @ key.T, FAR)
    if queue is not None:
        if queue.ndim != 2 or queue.shape[1] != key.shape[1]:
            raise ShapeError(f"queue has shape {queue.shape}, but keys have {key.shape[1:]}.")
        logits = np.concatenate([logits, query @ unit(queue.astype(key.dtype)).T], axis=1)
    values = m.softmax_cross_entropy(logits / temperature, np.arange(query.shape[0]))
    return Terms(weight * values, weight)


def _weight(vectors: Array, sample_weight: Array | None) -> tuple[Array, Array]:
    """The weights (n,), and who is there at all, as a row (1, n)."""
    count = vectors.shape[0]
    if sample_weight is None:
        return np.ones(count, vectors.dtype), np.ones((1, count), bool)
    if sample_weight.shape not in ((count,), (count, 1)):
        raise ShapeError(
            f"sample_weight has shape {sample_weight.shape}, but samples that are compared with "
            f"each other have one weight each, shape ({count},)."
        )
    weight = sample_weight.reshape((count,)).astype(vectors.dtype)
    return weight, (weight != 0)[None, :]


def _pairs(
    name: str, prediction: Array, target: Array, sample_weight: Array | None
) -> tuple[Array, Array, Array, Array]:
    """Cosines (n, n), which pairs have one label, who is there, and the weights."""
    samples = prediction.shape[:1]
    if prediction.ndim != 2 or target.shape not in (samples, (*samples, 1)):
        raise ShapeError(
            f"{name} needs embeddings (n, features) and a label for each, but prediction has shape "
            f"{prediction.shape} and target has shape {target.shape}."
        )
    if target.dtype.kind not in "iub":
        raise TypeMismatchError(
            f"labels must be integers, but target has type {target.dtype}: use target.astype(int)."
        )
    labels = target.reshape(samples)
    vectors = unit(prediction)
    weight, present = _weight(vectors, sample_weight)
    return vectors @ vectors.T, labels[:, None] == labels[None, :], present, weight
