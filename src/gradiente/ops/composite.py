"""Operations with a body of other operations, and a local gradient written by hand.

The hand-written gradient is shorter or more accurate than the gradient of the body, and is tested
against it. A backend without a kernel of its own runs the body.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.base.types import ArrayType
from gradiente.ops.algebra import NUMPY
from gradiente.ops.operation import Example, Operation, declare, example


def _floating(name: str, x: ArrayType) -> ArrayType:
    if not x.is_floating:
        raise TypeMismatchError(f"`{name}` is not defined for {x.dtype}.")
    return x


def composite(*examples: Example) -> Callable[[Callable[..., Any]], Operation]:
    """Declare a composite operation: the decorated function is its body."""

    def decorate(body: Callable[..., Any]) -> Operation:
        return declare(
            Operation(
                name=body.__name__,
                value=lambda *arrays, **params: np.asarray(body(NUMPY, *arrays, **params)),
                type_rule=lambda x, **params: _floating(body.__name__, x),
                family="composite",
                body=body,
                examples=examples,
                summary=(body.__doc__ or "").strip(),
            )
        )

    return decorate


@composite(example((3, 4), axis=1), example((2, 3), axis=0))
def softmax(m: Any, x: Any, *, axis: int) -> Any:
    """y = eˣ / Σ eˣ                          x̄ = y ⊙ (ḡ - Σ ḡ ⊙ y)"""
    e = m.exp(x - m.max(x, axis=axis, keepdims=True))
    return e / m.sum(e, axis=axis, keepdims=True)


@softmax.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axis: int) -> tuple[Any, ...]:
    return (y * (g - m.sum(g * y, axis=axis, keepdims=True)),)


@composite(example((3, 4), axis=1), example((2, 3), axis=0))
def log_softmax(m: Any, x: Any, *, axis: int) -> Any:
    """y = x - log Σ eˣ                       x̄ = ḡ - eʸ Σ ḡ"""
    z = x - m.max(x, axis=axis, keepdims=True)
    return z - m.log(m.sum(m.exp(z), axis=axis, keepdims=True))


@log_softmax.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axis: int) -> tuple[Any, ...]:
    return (g - m.exp(y) * m.sum(g, axis=axis, keepdims=True),)


@composite(example((3, 4), axes=(1,)), example((2, 3, 4), axes=(0, 2)))
def logsumexp(m: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    """y = log Σ eˣ                           x̄ = ḡ eˣ⁻ʸ"""
    top = m.max(x, axis=axes, keepdims=True)
    # An infinite maximum is the answer itself; subtracting it would give inf - inf.
    shift = m.where(m.isfinite(top), top, 0 * m.exp(-m.abs(top)))
    total = m.sum(m.exp(x - shift), axis=axes, keepdims=True)
    return m.squeeze(m.log(total) + shift, axis=axes)


@logsumexp.type
def _(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    kept = tuple(length for axis, length in enumerate(x.shape) if axis not in axes)
    return ArrayType(kept, _floating("logsumexp", x).dtype)


@logsumexp.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, *, axes: tuple[int, ...]) -> tuple[Any, ...]:
    return (m.expand_dims(g, axes) * m.exp(x - m.expand_dims(y, axes)),)


@composite(example((3, 4), [1, 0, 3]), example((2, 2, 3), [[0, 2], [1, 1]]))
def softmax_cross_entropy(m: Any, logits: Any, labels: Any) -> Any:
    """y = -log softmax(z)[label], one value per row       z̄ = ḡ (softmax(z) - onehot(label))"""
    z = logits - m.max(logits, axis=-1, keepdims=True)
    chosen = m.take_along_axis(z, m.expand_dims(labels, -1), axis=-1)
    return m.log(m.sum(m.exp(z), axis=-1)) - m.squeeze(chosen, axis=-1)


@softmax_cross_entropy.type
def _(logits: ArrayType, labels: ArrayType) -> ArrayType:
    if logits.shape[:-1] != labels.shape:
        raise ShapeError(
            f"cross entropy of logits {list(logits.shape)} needs one integer label for each row, "
            f"shape {list(logits.shape[:-1])}; got labels of shape {list(labels.shape)}."
        )
    if labels.dtype.kind not in "iu":
        raise TypeMismatchError(f"the labels of a cross entropy are integers, not {labels.dtype}.")
    return ArrayType(labels.shape, _floating("softmax_cross_entropy", logits).dtype)


@softmax_cross_entropy.local_gradient
def _(m: Any, g: Any, y: Any, logits: Any, labels: Any) -> tuple[Any, ...]:
    target = m.one_hot(labels, logits.shape[-1], dtype=g.dtype)
    return m.expand_dims(g, -1) * (m.softmax(logits, axis=-1) - target), None
