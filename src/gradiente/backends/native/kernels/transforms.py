"""The transforms of Winograd's convolution along one axis, for vectors and for NumPy's arrays.

The correlation of d₀ … d₅ with w₀ … w₂, which is four numbers, is Aᵀ((G w) ⊙ (Bᵀ d)): 6 products
in place of 12. Along two axes 36 take the place of 144. The transposed matrices give the gradient
by w: Gᵀ((Bᵀ d) ⊙ (A ȳ)).

S. Winograd, "Arithmetic complexity of computations", SIAM 1980; A. Lavin, S. Gray, "Fast algorithms
for convolutional neural networks", CVPR 2016: F(4, 3) with the points 0, ±1, ±2 and ∞.
"""

from collections.abc import Callable, Sequence
from typing import Any

from gradiente.backends.native.language.emit import Value

PLACES = 4  # numbers that come out along an axis
TAPS = 3
SEEN = PLACES + TAPS - 1  # numbers that go in

Numbers = list[Any]
Transform = Callable[[Sequence[Any]], Numbers]


def _plus(a: Any, factor: float, b: Any) -> Any:
    """a + factor · b"""
    if not isinstance(a, Value):
        return a + factor * b
    return a.code.fma(b, a.code.as_kind(a.code.constant(factor, a.kind), a.kind), a)


def of_inputs(d: Sequence[Any]) -> Numbers:
    """Bᵀ d: 6 -> 6"""
    a, b = _plus(d[4], -4.0, d[2]), _plus(d[3], -4.0, d[1])
    c, e = d[4] - d[2], d[3] - d[1]
    return [
        _plus(_plus(d[4], 4.0, d[0]), -5.0, d[2]),
        a + b,
        a - b,
        _plus(c, 2.0, e),
        _plus(c, -2.0, e),
        _plus(_plus(d[5], 4.0, d[1]), -5.0, d[3]),
    ]


def of_weights(w: Sequence[Any]) -> Numbers:
    """G w: 3 -> 6"""
    outer = w[0] + w[2]
    far = _plus(w[0], 4.0, w[2]) * (1 / 24)
    middle = w[1] * (1 / 12)
    return [
        w[0] * 0.25,
        (outer + w[1]) * (-1 / 6),
        (outer - w[1]) * (-1 / 6),
        far + middle,
        far - middle,
        w[2],
    ]


def to_outputs(p: Sequence[Any]) -> Numbers:
    """Aᵀ p: 6 -> 4"""
    s, d, far, near = p[1] + p[2], p[1] - p[2], p[3] + p[4], p[3] - p[4]
    return [
        p[0] + s + far,
        _plus(d, 2.0, near),
        _plus(s, 4.0, far),
        _plus(d + p[5], 8.0, near),
    ]


def of_gradients(y: Sequence[Any]) -> Numbers:
    """A y: 4 -> 6"""
    even, odd = y[0] + y[2], y[1] + y[3]
    far, near = _plus(y[0], 4.0, y[2]), _plus(y[1] + y[1], 8.0, y[3])
    return [y[0], even + odd, even - odd, far + near, far - near, y[3]]


def to_weights(p: Sequence[Any]) -> Numbers:
    """Gᵀ p: 6 -> 3"""
    s, d, far, near = p[1] + p[2], p[1] - p[2], p[3] + p[4], p[3] - p[4]
    return [
        _plus(_plus(p[0] * 0.25, -1 / 6, s), 1 / 24, far),
        _plus(near * (1 / 12), -1 / 6, d),
        _plus(p[5], 1 / 6, far - s),
    ]


def along_both(transform: Transform, grid: Any) -> list[Numbers]:
    """A transform of the columns of a grid, then of its rows."""
    columns = [transform(column) for column in zip(*grid, strict=True)]
    return [transform(row) for row in zip(*columns, strict=True)]
