"""Sine, cosine and tangent, of an angle without its quarter turns.

sin r = r + r³ P(r²) and cos r = 1 - r²/2 + r⁴ Q(r²) for |r| ≤ π/4; in float64 the part of r that
its rounding left over is taken along.

Largest errors in ulp: sin and cos 1.6 in float32, 0.8 in float64; tan 0.51 and 2.
"""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.angle import (
    without_quarter_turns,
    without_quarter_turns_single,
)
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    SINGLE,
    Pair,
    bits,
    double,
    fma,
    from_bits,
    polynomial,
    single,
    where,
    with_sign_of,
)

# From fdlibm's k_sin.c and k_cos.c (Sun Microsystems, 1993).
SINE = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
COSINE = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
# In float32 by Remez exchange; here the half of z is the first coefficient of the cosine.
SINE_SINGLE = (-0.16666653752326965, 0.008332106284797192, -0.00019507882825564593)
COSINE_SINGLE = (-0.5, 0.04166664555668831, -0.0013887308305129409, 2.443209450575523e-05)


def _sine(r: Pair) -> Value:
    high, low = r
    z = high * high
    return high + fma(high * z, polynomial(z, SINE), fma(z, -0.5 * low, low))


def _cosine(r: Pair) -> Value:
    high, low = r
    z = high * high
    half = 0.5 * z
    whole = 1 - half
    lost = (1 - whole) - half
    return whole + (lost + fma(z * z, polynomial(z, COSINE), -(high * low)))


def _turned(x: Value, quarters: int) -> Value:
    """sin(x + quarters · π/2), computed in float64."""
    k, r = without_quarter_turns(x.code.convert(x, DOUBLE))
    k = k + quarters
    y = where((k & 1) != 0, _cosine(r), _sine(r))
    return x.code.convert(where((k & 2) != 0, -y, y), x.dtype)


def _turned_single(x: Value, quarters: int) -> Value:
    """The same in float32: r + r³ P(r²) or 1 + r² Q(r²), in one."""
    k, r = without_quarter_turns_single(x)
    k = k + quarters
    odd, z = (k & 1) != 0, r * r
    first, factor = where(odd, 1.0, r), where(odd, z, r * z)
    y = fma(factor, where(odd, polynomial(z, COSINE_SINGLE), polynomial(z, SINE_SINGLE)), first)
    return with_sign_of(y, from_bits(bits(first) ^ ((k & 2) << 30)))


def _is_quick(x: Value) -> bool:
    """Whether float32 is precise enough: with products that are not rounded."""
    return x.dtype == SINGLE and x.code.target.fuses


@single
def sin(x: Value) -> Value:
    """The sine of an angle in radians."""
    if _is_quick(x):
        return _turned_single(x, 0)
    return where(x == 0, x, _turned(x, 0))  # -0 stays -0


@single
def cos(x: Value) -> Value:
    """The cosine of an angle in radians."""
    return _turned_single(x, 1) if _is_quick(x) else _turned(x, 1)


@double
def tan(x: Value) -> Value:
    """The tangent of an angle in radians."""
    k, r = without_quarter_turns(x)
    odd = (k & 1) != 0
    sine, cosine = _sine(r), _cosine(r)
    y = where(odd, -cosine, sine) / where(odd, sine, cosine)
    return where(x == 0, x, y)
