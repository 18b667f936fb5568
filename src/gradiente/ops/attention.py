"""Attention as one operation, so that a backend need not keep what every query makes of every key.

The value holds, beside the result, the logarithm of the sum of exponentials of each query: from it
the gradient computes the weights again, tile by tile.

M. Rabe, C. Staats, "Self-attention does not need O(n²) memory", 2021; T. Dao et al.,
"FlashAttention", NeurIPS 2022.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError
from gradiente.base.types import ArrayType, Shape
from gradiente.ops.operation import example, operation

PRECISIONS = [{np.dtype(np.float32)}, {np.dtype(np.float64)}]

ROOM = 16  # elements: each gradient begins at a multiple of it

MASK = [[[[True, True, False, True]]], [[[False, True, True, False]]]]


@operation(
    example((2, 2, 3, 5), (2, 2, 4, 5), (2, 2, 4, 3), causal=False, scale=0.5),
    example((1, 4, 4, 2), (1, 2, 4, 2), (1, 2, 4, 3), causal=True, scale=1.0),
    example((2, 1, 3, 2), (2, 1, 4, 2), (2, 1, 4, 2), MASK, causal=False, scale=0.7),
)
def attend(*arrays: Any, causal: bool, scale: float) -> Any:
    """y = softmax(scale · q kᵀ) v, and the logarithm of the sum beside it

    arrays: q (batch, heads, time, width), k (batch, groups, places, width), v (batch, groups,
    places, value width); a mask that broadcasts to (batch, heads, time, places), true where a query
    may look, may follow. causal: query i sees the places 0 … i. As many heads in a row as there
    are for each group share its keys and values.
    The value is (batch, heads, time, value width + 1): y, then log Σ exp of the scores. A query
    that sees nothing gets zeros.
    """
    q, k, v, *mask = map(np.asarray, arrays)
    with np.errstate(all="ignore"):
        scores, seen = _scores(np, q, k, mask, causal, scale)
        return np.concatenate(_result(np, scores, seen, v), axis=-1).astype(q.dtype)


@attend.type
def _(*types: ArrayType, causal: bool, scale: float) -> ArrayType:
    q, v = types[0], types[2]
    if {kind.dtype for kind in types[:3]} not in PRECISIONS:
        raise TypeMismatchError(
            "`attend` takes float32 or float64, one for all; got "
            f"{', '.join(str(kind.dtype) for kind in types[:3])}."
        )
    return ArrayType((*q.shape[:3], v.shape[3] + 1), q.dtype)


@attend.local_gradient
def _(m: Any, g: Any, y: Any, *inputs: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    q, k, v, *mask = inputs
    packed = m.bind(attend_gradient, g, y, *inputs, causal=causal, scale=scale)
    shapes = [x.shape for x in (q, k, v)]
    return (*parts_of(m, packed, shapes), *(None for _ in mask))


@operation()
def attend_gradient(*arrays: Any, causal: bool, scale: float) -> Any:
    """P = softmax, Δ = P ⊙ (ḡ vᵀ - Σ ḡ ⊙ y): q̄ = scale · Δ k, k̄ = scale · Δᵀ q, v̄ = Pᵀ ḡ

    arrays: the gradient and the value of `attend`, then its inputs. The value is (batch, n): the
    gradients of q, k and v of each sample one after the other, see `parts_of`.
    """
    g, _, q, k, v, *mask = map(np.asarray, arrays)
    with np.errstate(all="ignore"):
        found = _gradients(np, g, q, k, v, mask, causal, scale)
    packed = np.zeros((len(q), packed_length([q.shape, k.shape, v.shape])), q.dtype)
    for start, gradient in zip(starts_of([q.shape, k.shape, v.shape]), found, strict=True):
        flat = gradient.reshape(len(q), -1)
        packed[:, start : start + flat.shape[1]] = flat
    return packed


@attend_gradient.type
def _(*types: ArrayType, causal: bool, scale: float) -> ArrayType:
    shapes = [kind.shape for kind in types[2:5]]
    return ArrayType((shapes[0][0], packed_length(shapes)), types[2].dtype)


@attend_gradient.local_gradient
def _(m: Any, g: Any, y: Any, *inputs: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    """With E = scale (a kᵀ + q bᵀ) for the gradients a, b, c of q̄, k̄, v̄: derived from
    ⟨Δ, E⟩ + ⟨P, ḡ cᵀ⟩, by ḡ, by the weights P, and by all that E is made of."""
    given, _, q, k, v, *mask = inputs
    a, b, c = parts_of(m, g, [x.shape for x in (q, k, v)])
    each = Heads(m, q.shape[1], k.shape[1])
    weights, by_weight, inner = _slopes(m, given, q, k, v, mask, causal, scale)
    slopes, by_y = weights * (by_weight - inner), given[..., :-1]
    e = scale * (each.product(a, _turned(m, k)) + each.product(q, _turned(m, b)))
    mean = m.sum(weights * e, axis=-1, keepdims=True)
    x = weights * (e - mean)
    by_p = by_weight * (e - mean) - e * inner + each.product(by_y, _turned(m, c))
    z = weights * (by_p - m.sum(weights * by_p, axis=-1, keepdims=True))
    second = m.concatenate([each.product(x, v) + each.product(weights, c), mean], axis=-1)
    return (
        second,
        None,
        scale * (each.product(z, k) + each.product(slopes, b)),
        scale * (each.back(z, q) + each.back(slopes, a)),
        each.back(x, by_y),
        *(None for _ in mask),
    )


class Heads:
    """Products in which several heads share one group of keys or values."""

    def __init__(self, m: Any, heads: int, groups: int):
        self.m, self.heads, self.groups = m, heads, groups

    def product(self, a: Any, b: Any) -> Any:
        """(batch, heads, n, k) times (batch, groups, k, o)"""
        batch, _, rows, depth = a.shape
        a = self.m.reshape(a, (batch, self.groups, self.heads // self.groups * rows, depth))
        product = self.m.matmul(a, b)
        return self.m.reshape(product, (batch, self.heads, rows, b.shape[-1]))

    def back(self, a: Any, b: Any) -> Any:
        """aᵀ b, summed over the heads of each group: (batch, groups, k, o)"""
        batch, _, rows, columns = a.shape
        stacked = (batch, self.groups, self.heads // self.groups * rows)
        a = self.m.reshape(a, (*stacked, columns))
        b = self.m.reshape(b, (*stacked, b.shape[-1]))
        return self.m.matmul(_turned(self.m, a), b)


def _turned(m: Any, x: Any) -> Any:
    return m.swapaxes(x, -1, -2)


def _scores(m: Any, q: Any, k: Any, mask: Any, causal: bool, scale: float) -> tuple[Any, Any]:
    """scale · q kᵀ, and where queries may look (`None`: everywhere)."""
    each = Heads(m, q.shape[1], k.shape[1])
    scores = each.product(q, _turned(m, k)) * scale
    seen = np.tri(*scores.shape[-2:], dtype=np.bool_) if causal else None
    for given in mask:
        seen = given if seen is None else m.logical_and(given, seen)
    return scores, seen


def _exponentials(m: Any, scores: Any, seen: Any) -> tuple[Any, Any]:
    """exp(scores - their largest), zero where nothing is seen; and the largest."""
    if seen is not None:
        scores = m.where(seen, scores, np.finfo(np.dtype(scores.dtype)).min)
    largest = m.max(scores, axis=-1, keepdims=True)
    powers = m.exp(scores - largest)
    return (powers if seen is None else m.where(seen, powers, 0.0)), largest


def _weights(m: Any, scores: Any, seen: Any) -> Any:
    powers, _ = _exponentials(m, scores, seen)
    total = m.sum(powers, axis=-1, keepdims=True)
    return powers / m.where(total > 0, total, 1.0)


def _result(m: Any, scores: Any, seen: Any, v: Any) -> list[Any]:
    """y, and log Σ exp of the scores; 0 for a query that sees nothing."""
    powers, largest = _exponentials(m, scores, seen)
    total = m.sum(powers, axis=-1, keepdims=True)
    some = total > 0
    safe = m.where(some, total, 1.0)
    y = Heads(m, scores.shape[1], v.shape[1]).product(powers / safe, v)
    return [y, m.where(some, largest + m.log(safe), 0.0)]


def _gradients(
    m: Any, g: Any, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float
) -> list[Any]:
    each = Heads(m, q.shape[1], k.shape[1])
    weights, by_weight, inner = _slopes(m, g, q, k, v, mask, causal, scale)
    slopes = weights * (by_weight - inner) * scale
    return [each.product(slopes, k), each.back(slopes, q), each.back(weights, g[..., :-1])]


def _slopes(
    m: Any, g: Any, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float
) -> tuple[Any, Any, Any]:
    """The weights P, the gradient by them, and what is subtracted from that: Σ P ⊙ it."""
    weights = _weights(m, *_scores(m, q, k, mask, causal, scale))
    by_weight = Heads(m, q.shape[1], k.shape[1]).product(g[..., :-1], _turned(m, v))
    return weights, by_weight, m.sum(weights * by_weight, axis=-1, keepdims=True) - g[..., -1:]


def starts_of(shapes: list[Shape]) -> list[int]:
    """Where each gradient begins in the packed ones of a sample."""
    starts, start = [], 0
    for shape in shapes:
        starts.append(start)
        start += -(-math.prod(shape[1:]) // ROOM) * ROOM
    return starts


def packed_length(shapes: list[Shape]) -> int:
    """How many elements the gradients of a sample take."""
    return starts_of(shapes)[-1] + -(-math.prod(shapes[-1][1:]) // ROOM) * ROOM


def parts_of(m: Any, packed: Any, shapes: list[Shape]) -> list[Any]:
    """The gradients of q, k and v."""
    return [
        m.reshape(packed[:, start : start + math.prod(shape[1:])], shape)
        for start, shape in zip(starts_of(shapes), shapes, strict=True)
    ]
