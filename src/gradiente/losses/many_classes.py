"""Cross entropies that contain the last layer of the network, for very many classes.

prediction: the features (n, ..., inputs) of the layer before. The weights of the last layer are
options, which may be parameters: gradients reach them as well. They are written as in `nn.Dense`,
(inputs, outputs), where PyTorch has the transposed matrix.
"""

from collections.abc import Sequence

import numpy as np

from gradiente.base.batch import Array, working_dtype
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.losses.classes import (
    ClassWeight,
    as_class_weight,
    at_label,
    counted_labels,
    label_terms,
)
from gradiente.losses.classification import of_logits
from gradiente.losses.loss import Terms, declare, loss
from gradiente.trace.functions import m


@declare
@loss
def linear_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    kernel: Array,
    bias: Array | None = None,
    class_weight: ClassWeight = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Array | Terms:
    """`cross_entropy` of the logits x W + b, in one: l = -log softmax(x W + b)[y].

    kernel: W, (inputs, classes). bias: b, (classes,). target and the other options: as in
    `cross_entropy`. `torch.nn.LinearCrossEntropyLoss`. Raises `ShapeError` where the shapes do not
    fit.

    Source: none.
    """
    logits = _linear("kernel", prediction.astype(working_dtype(prediction, target)), kernel)
    if bias is not None:
        if bias.shape != logits.shape[-1:]:
            raise ShapeError(f"bias has shape {bias.shape}, but kernel has shape {kernel.shape}.")
        logits = logits + bias.astype(logits.dtype)
    return of_logits(logits, target, class_weight, label_smoothing, ignore_index)


@declare
@loss
def adaptive_softmax(
    prediction: Array,
    target: Array,
    *,
    head: Array,
    tails: Sequence[tuple[Array, Array]],
    cutoffs: Sequence[int],
    head_bias: Array | None = None,
    class_weight: ClassWeight = None,
    ignore_index: int | None = None,
) -> Array | Terms:
    """Cross entropy over classes in the order of their frequency, with the rare ones in clusters:

        l = -log softmax(x H)[y]                                       for a frequent class
        l = -log softmax(x H)[cluster] - log softmax(x A B)[y - low]   for one in a cluster

    cutoffs: the first class of each cluster, ascending; classes below the first are frequent.
    head: H, (inputs, cutoffs[0] + clusters), the clusters last. tails: for each cluster A (inputs,
    hidden) and B (hidden, classes of the cluster). target: class indices (n, ...). class_weight,
    ignore_index: as in `cross_entropy`.
    Grave et al., Efficient Softmax Approximation for GPUs, ICML 2017.
    `torch.nn.AdaptiveLogSoftmaxWithLoss`, whose last cutoff, the number of classes, is not written.
    Raises `InvalidArgumentError` or `ShapeError` where these do not fit together.
    """
    cutoffs = _checked_cutoffs(cutoffs, tails)
    features = prediction.astype(working_dtype(prediction, target))
    logits = _linear("head", features, head)
    if logits.shape[-1] != cutoffs[0] + len(tails):
        raise ShapeError(
            f"head has {logits.shape[-1]} outputs, but there are {cutoffs[0]} frequent classes and "
            f"{len(tails)} clusters."
        )
    if head_bias is not None:
        logits = logits + head_bias.astype(logits.dtype)
    labels, counted = counted_labels(logits, target, ignore_index)
    first = m.log_softmax(logits)
    values = -at_label(first, np.minimum(labels, cutoffs[0] - 1))
    for place, (low, (inner, outer)) in enumerate(zip(cutoffs, tails, strict=True)):
        inside = m.log_softmax(_linear("a tail", _linear("a tail", features, inner), outer))
        own = np.clip(labels - low, 0, inside.shape[-1] - 1)
        both = first[..., cutoffs[0] + place] + at_label(inside, own)
        values = np.where(labels >= low, -both, values)
    classes = cutoffs[-1] + tails[-1][1].shape[-1]
    weight = as_class_weight(class_weight, values, classes)
    return label_terms(values, labels, counted, weight)


def _linear(name: str, features: Array, kernel: Array) -> Array:
    if kernel.ndim != 2 or features.ndim < 2 or features.shape[-1] != kernel.shape[0]:
        raise ShapeError(
            f"{name} has shape {kernel.shape}, but must be (inputs, outputs) for features of shape "
            f"{features.shape}."
        )
    return features @ kernel.astype(features.dtype)


def _checked_cutoffs(cutoffs: Sequence[int], tails: Sequence[tuple[Array, Array]]) -> list[int]:
    found = [int(cutoff) for cutoff in cutoffs]
    if not found or found[0] < 1 or sorted(set(found)) != found or len(found) != len(tails):
        raise InvalidArgumentError(
            f"`cutoffs` is {cutoffs!r}: it must be the first class of each of the {len(tails)} "
            "clusters, ascending and above 0."
        )
    return found
