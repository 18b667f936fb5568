"""The inverse functions of the trigonometric ones, all by the angle of a point in the plane.

An eighth or a quarter of a turn is taken off first, exactly but for one division:
atan(a/b) - π/4 = atan((a - b)/(a + b)) and atan(a/b) - π/2 = atan(-b/a). What is left is
atan t = t + t³ P(t²)/Q(t²) with |t| ≤ 0.66. Everything is computed in float64.

Largest errors in ulp: 0.51 in float32; in float64 asin and acos 1.9, atan 0.8, atan2 1.2.
"""

import numpy as np

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    INFINITY,
    absolute,
    double,
    fma,
    is_negative,
    polynomial,
    square_root,
    where,
    with_sign_of,
)

# From Cephes's atan.c (Moshier, 1995): |t| ≤ 0.66.
P = (
    -6.485021904942025371773e1, -1.228866684490136173410e2, -7.500855792314704667340e1,
    -1.615753718733365076637e1, -8.750608600031904122785e-1,
)  # fmt: skip
Q = (
    1.945506571482613964425e2, 4.853903996359136964868e2, 4.328810604912902668951e2,
    1.650270098316988542046e2, 2.485846490142306297962e1, 1.0,
)  # fmt: skip
HALF_PI, HALF_PI_REST = np.pi / 2, 6.123233995736766e-17  # and what rounding left of it
MIDDLE, STEEP = 0.66, 2.414213562373095  # from there on an eighth, a quarter of a turn is taken off
HUGE = 1e300


def _angle(a: Value, b: Value) -> Value:
    """atan(a/b) for a, b ≥ 0; 0 for 0/0, π/4 for ∞/∞."""
    steep = a > b * STEEP
    middle = ((a > b * MIDDLE) | (a == INFINITY)) & ~steep
    top = where(steep, -b, where(middle, a - b, a))
    bottom = where(steep, a, where(middle, a + b, b))
    t = where(a == b, 0.0, top / bottom)
    eighths = where(steep, 1.0, where(middle, a.code.constant(0.5, a.kind), 0.0))
    z = t * t
    bend = t * (z * polynomial(z, P) / polynomial(z, Q))
    return fma(eighths, HALF_PI, t + fma(eighths, HALF_PI_REST, bend))


def _direction(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), between -π and π."""
    angle = _angle(absolute(y), absolute(x))
    behind = 2 * HALF_PI - (angle - 2 * HALF_PI_REST)
    return with_sign_of(where(is_negative(x), behind, angle), y)


@double
def atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), between -π and π."""
    scale = where(absolute(y) > HUGE, y.code.constant(0.25, y.kind), 1.0)  # a + b stays finite
    return _direction(y * scale, x * scale)


@double
def atan(x: Value) -> Value:
    """The angle whose tangent is x."""
    return with_sign_of(_angle(absolute(x), x.code.constant(1.0, x.kind)), x)


@double
def asin(x: Value) -> Value:
    """The angle whose sine is x: that of the point (√((1 - x)(1 + x)), x)."""
    return with_sign_of(_angle(absolute(x), square_root((1 - x) * (1 + x))), x)


@double
def acos(x: Value) -> Value:
    """The angle whose cosine is x: that of the point (x, √((1 - x)(1 + x)))."""
    return _direction(square_root((1 - x) * (1 + x)), x)
