"""Attention: every query looks at all keys, and takes the mean of the values by how well they fit.

All layers go through `attention`, so that a kernel of its own in its place serves all of them.
"""

import math
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.ops.attention import attend
from gradiente.trace.axes import dtype_of, shape_of
from gradiente.trace.random import bernoulli
from gradiente.trace.tensor import Tensor, bind, floating, function, m, same_dtype

Shape = tuple[int, ...]

SINGLE = 4  # bytes: below this accuracy sums are formed step by step


@function()
def attention(
    query: Any,
    key: Any,
    value: Any,
    *,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    bias: Any = None,
    dropout: float = 0.0,
    dropout_key: Any = None,
) -> Any:
    """y = softmax(scale · q kᵀ + bias) v, for each sample and head

    query: (batch, heads, time, width); key: (batch, key heads, places, width);
    value: (batch, key heads, places, value width) -> y: (batch, heads, time, value width)
    With fewer key heads than heads, as many heads in a row share one (grouped queries).

    mask: true where a query may look, for shapes that broadcast to (batch, heads, time, places).
    causal: the query at time i sees the places 0 … i only; combined with the mask.
    scale: 1 / √width by default.
    bias: added to the scores, of a shape as that of the mask; -inf hides a place as the mask does.
    dropout: this share of the weights becomes 0, the others grow to make up for it; drawn from
    dropout_key, an independent key as `gd.random.fold_in` gives.

    A query that sees nothing gives zeros, and no gradient. All this is
    `torch.nn.functional.scaled_dot_product_attention`; for groups, with enable_gqa=True.
    Vaswani et al., "Attention is all you need", NeurIPS 2017; for groups Ainslie et al., "GQA",
    EMNLP 2023.

    Raises `ShapeError` for shapes that do not fit, `TypeMismatchError` for a mask that is not
    boolean, `InvalidArgumentError` for a dropout outside [0, 1) or without a key.
    """
    query, key, value = same_dtype(floating(query), floating(key), floating(value))
    _check_shapes(shape_of(query), shape_of(key), shape_of(value))
    if bias is None and dropout == 0 and dtype_of(query).itemsize >= SINGLE:
        return _at_once(query, key, value, mask, causal, scale)
    weights = _weights(query, key, mask, causal, scale, bias)
    weights = _dropped(weights, dropout, dropout_key)
    return _for_each_key_head(weights, value)


def _at_once(query: Any, key: Any, value: Any, mask: Any, causal: bool, scale: float | None) -> Any:
    """Without the weights of all queries and places in memory, where a backend can do so."""
    shape, places = shape_of(query), shape_of(key)[2]
    scale = 1.0 / math.sqrt(shape[-1]) if scale is None else scale
    masks = []
    if mask is not None:
        mask = _boolean(mask, (*shape[:3], places))
        own = shape_of(mask)
        masks = [m.reshape(mask, ((1,) * (4 - len(own)) + own))]
    packed = bind(attend, query, key, value, *masks, causal=bool(causal), scale=float(scale))
    return packed[..., :-1]


@function()
def attention_weights(
    query: Any,
    key: Any,
    *,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    bias: Any = None,
) -> Any:
    """w = softmax(scale · q kᵀ + bias): how much each query takes of each place, to be looked at.

    Arguments and errors as those of `attention`; w: (batch, heads, time, places).
    """
    query, key = same_dtype(floating(query), floating(key))
    _check_shapes(shape_of(query), shape_of(key), shape_of(key))
    return _weights(query, key, mask, causal, scale, bias)


def _weights(query: Any, key: Any, mask: Any, causal: bool, scale: float | None, bias: Any) -> Any:
    """Softmax of the scores over the places that are seen; zeros where none is."""
    scale = 1.0 / math.sqrt(shape_of(query)[-1]) if scale is None else scale
    scores = _for_each_key_head(query, m.matrix_transpose(key)) * scale
    shape, dtype = shape_of(scores), dtype_of(scores)
    if bias is not None:
        bias, finite = _finite(_broadcasting("bias", bias, shape), dtype)
        scores = scores + bias
        mask = finite if mask is None else mask if finite is None else m.logical_and(mask, finite)
    seen = _seen(mask, causal, shape)
    if seen is None:
        return m.softmax(scores)
    # The lowest number and not -inf, so that a query that sees nothing has no inf - inf.
    weights = m.softmax(m.where(seen, scores, np.finfo(dtype).min))
    # A causal query always sees the first place.
    return weights if mask is None else m.where(seen, weights, 0.0)


def _seen(mask: Any, causal: bool, shape: Shape) -> Any:
    """Where queries may look; `None` for everywhere."""
    before = np.tri(*shape[-2:], dtype=np.bool_) if causal else None
    if mask is None:
        return before
    mask = _boolean(mask, shape)
    return mask if before is None else m.logical_and(mask, before)


def _boolean(mask: Any, shape: Shape) -> Any:
    if dtype_of(mask) != np.bool_:
        raise TypeMismatchError(
            f"`mask` is of {dtype_of(mask)}, but says true or false: write `mask != 0`, or give "
            "numbers to be added to the scores as `bias`." + current_source().explain()
        )
    return _broadcasting("mask", mask, shape)


def _finite(bias: Any, dtype: np.dtype) -> tuple[Any, Any]:
    """The bias with zeros for -inf, and where it was not that; `None` for everywhere."""
    finite = bias != -np.inf
    if not isinstance(finite, Tensor) and np.all(finite):
        return m.cast(bias, dtype), None
    return m.cast(m.where(finite, bias, 0.0), dtype), finite


def _dropped(weights: Any, rate: float, key: Any) -> Any:
    if not 0 <= rate < 1:
        raise InvalidArgumentError(f"`dropout` is {rate!r}: it must be at least 0 and below 1.")
    if rate == 0:
        return weights
    if key is None:
        raise InvalidArgumentError(
            "attention with dropout needs `dropout_key`, such as `gd.random.key(0)`."
        )
    kept = bernoulli(key, 1.0 - rate, shape_of(weights))
    return m.where(kept, weights / (1.0 - rate), 0.0)


def _for_each_key_head(a: Any, b: Any) -> Any:
    """The product of a with b, whose fewer heads each serve several of a, rows upon rows."""
    batch, heads, rows, depth = shape_of(a)
    groups = shape_of(b)[1]
    if groups == heads:
        return m.matmul(a, b)
    product = m.matmul(m.reshape(a, (batch, groups, heads // groups * rows, depth)), b)
    return m.reshape(product, (batch, heads, rows, shape_of(b)[-1]))


def _broadcasting(name: str, x: Any, shape: Shape) -> Any:
    """A mask or a bias, if it broadcasts to the shape of the scores."""
    x = x if isinstance(x, Tensor) else np.asarray(x)
    own = shape_of(x)
    pairs = zip(own[::-1], shape[::-1], strict=False)
    if len(own) > 4 or any(mine not in (1, theirs) for mine, theirs in pairs):
        raise ShapeError(
            f"`{name}` has shape {list(own)}, which does not broadcast to (batch, heads, time, "
            f"places), here {list(shape)}." + current_source().explain()
        )
    return x


def _check_shapes(query: Shape, key: Shape, value: Shape) -> None:
    """Raises `ShapeError` saying which lengths do not agree."""
    shapes = f"got {list(query)}, {list(key)} and {list(value)}"
    if not len(query) == len(key) == len(value) == 4:
        wrong = "attention takes query, key and value of shape (batch, heads, time, width)"
    elif key[:3] != value[:3]:
        wrong = "key and value need one number of samples, of heads and of places"
    elif query[0] != key[0] or query[3] != key[3]:
        wrong = "query and key need one number of samples and one width"
    elif not key[1] or query[1] % key[1]:
        wrong = f"{query[1]} heads cannot be divided among {key[1]} heads of keys and values"
    elif not key[2] or not key[3]:
        wrong = "there is nothing to look at: keys have no places, or no width"
    else:
        return
    raise ShapeError(f"{wrong}; {shapes}." + current_source().explain())
