"""Logarithms, by splitting off a power of two: x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2.

float32: log(1 + f) = f - f²/2 + f³ P(f).
float64: with s = f / (2 + f), log(1 + f) = f - f²/2 + s (f²/2 + s² P(s²)).
To more than float64: 2 s + ⅔ s³ + s⁵ P(s²) in pairs of numbers.
Each P minimizes the largest relative error (Remez exchange).

Largest errors in ulp: log 0.9 in float32, 0.8 in float64; log1p 1.5 and 1.3; log2 and log10 0.51
in both; logaddexp 2 of the largest of its arguments and 1.
"""

import math

import numpy as np

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    INFINITY,
    NAN,
    SINGLE,
    Pair,
    absolute,
    bits,
    bits_of,
    exact_product,
    exact_sum,
    fma,
    from_bits,
    from_small_integer,
    mantissa_bits,
    ordered_sum,
    pair_product,
    polynomial,
    power_of_two,
    single,
    where,
)
from gradiente.backends.native.mathematics.exponential import exp

# fmt: off
P_SINGLE = (0.3333331048488617, -0.2500001788139343, 0.20002298057079315, -0.16667677462100983,
            0.1421518176794052, -0.1240808516740799, 0.11925642937421799, -0.11679345369338989,
            0.06664767861366272)
P_DOUBLE = (0.6666666666666734, 0.39999999999414637, 0.2857142874239796, 0.22222198572045684,
            0.181835643891213, 0.1531404884687514, 0.1479596766519101)
P_PAIR = (0.3999999999999998, 0.285714285714451, 0.2222222221753901, 0.18181818870002253,
          0.15384556892326315, 0.1333631659798929, 0.11674835183210111, 0.11988874193911725)
# fmt: on
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)

# In two parts, the first short enough for exact products with k.
LN2 = {
    SINGLE: (0.693359375, -2.12194440e-4),
    DOUBLE: (0.6931471805598903, 5.497923018708371e-14),
}
LOG10_2 = (0.30102999566395283, 2.8363394551044964e-14)
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)

TINY = {SINGLE: 2.0**-24, DOUBLE: 2.0**-54}  # below it log(1 + x) is x


def split(x: Value) -> tuple[Value, Value]:
    """The integer k and the number 1 + f of a positive finite x."""
    up = mantissa_bits(x.dtype) + 1
    subnormal = x < float(np.finfo(x.dtype).smallest_normal)
    k, m = split_normal(where(subnormal, x * 2.0**up, x))
    return where(subnormal, k - up, k), m


def split_normal(x: Value) -> tuple[Value, Value]:
    """The same for what is not subnormal."""
    width = mantissa_bits(x.dtype)
    one, lowest = bits_of(1.0, x.dtype), bits_of(0.5**0.5, x.dtype)
    moved = bits(x) + (one - lowest)
    k = (moved >> width) - (one >> width)
    return k, from_bits((moved & ((1 << width) - 1)) + lowest)


def _near_one(f: Value, k: Value) -> Value:
    """log(1 + f) + k ln 2"""
    high, low = LN2[f.dtype]
    half_square = 0.5 * f * f
    if f.dtype == SINGLE:
        rest = fma(f * f, fma(f, polynomial(f, P_SINGLE), -0.5), k * low)
        return fma(k, high, f + rest)
    s = f / (2 + f)
    z = s * s
    series = fma(s, fma(z, polynomial(z, P_DOUBLE), half_square), k * low)
    return fma(k, high, f - (half_square - series))


def _at_the_ends(y: Value, x: Value) -> Value:
    """The logarithm of ∞, of 0, and of what is negative or not a number."""
    y = where(x < INFINITY, y, INFINITY)
    return where(x > 0, y, where(x == 0, -INFINITY, x.code.constant(NAN, x.kind)))


@single
def log(x: Value) -> Value:
    """The natural logarithm."""
    k, m = split(x)
    return _at_the_ends(_near_one(m - 1, from_small_integer(k)), x)


@single
def log1p(x: Value) -> Value:
    """log(1 + x), accurate near 0: f = 2⁻ᵏ x + (2⁻ᵏ - 1), where only the sum is rounded."""
    whole = 1 + x
    k, _ = split_normal(whole)
    part = from_bits(bits(x) - (k << mantissa_bits(x.dtype)))  # 2⁻ᵏ x, exactly
    power = power_of_two(-where(k > 64, k.code.constant(64, k.kind), k))
    y = _near_one(part + (power - 1), from_small_integer(k))
    return where(absolute(x) < TINY[x.dtype], x, _at_the_ends(y, whole))


# -- logarithms in pairs of numbers ---------------------------------------------------------------


def _mantissa_pair(m: Value) -> Pair:
    """log m for √½ ≤ m < √2, to about 65 bits."""
    f = m - 1
    total = m + 1
    lost = m - (total - 1)
    s = f / total
    product, error = exact_product(s, total)
    rest = (((f - product) - error) - s * lost) / total
    square = pair_product((s, rest), (s, rest))
    cube = pair_product(square, (s, rest))
    third = pair_product(cube, TWO_THIRDS)
    tail = cube[0] * (square[0] * polynomial(square[0], P_PAIR))
    high, low = ordered_sum(2 * s, third[0])
    return ordered_sum(high, low + (third[1] + 2 * rest + tail))


def _in_base(x: Value, factor: tuple[float, float] | None, of_two: tuple[float, float]) -> Pair:
    """factor · log(1 + f) + k · of_two"""
    k, m = split(x)
    k = from_small_integer(k)
    pair = _mantissa_pair(m)
    if factor is not None:
        pair = pair_product(pair, factor)
    high, low = exact_sum(k * of_two[0], pair[0])
    return ordered_sum(high, low + fma(k, of_two[1], pair[1]))


def log_pair(x: Value) -> Pair:
    """The natural logarithm of a positive finite number, to about 64 bits."""
    return _in_base(x, None, LN2[x.dtype])


def _of_narrow(x: Value, factor: float) -> Value:
    """factor · log x of float16 and float32: in float64 nothing more is needed."""
    code = x.code
    return code.convert(log(code.convert(x, DOUBLE)) * factor, x.dtype)


def log2(x: Value) -> Value:
    """The logarithm to base 2, exact for powers of two."""
    if x.dtype != DOUBLE:
        return _of_narrow(x, LOG2_E[0])
    return _at_the_ends(_in_base(x, LOG2_E, (1.0, 0.0))[0], x)


def log10(x: Value) -> Value:
    """The logarithm to base 10."""
    if x.dtype != DOUBLE:
        return _of_narrow(x, LOG10_E[0])
    return _at_the_ends(_in_base(x, LOG10_E, LOG10_2)[0], x)


@single
def logaddexp(a: Value, b: Value) -> Value:
    """log(eᵃ + eᵇ) = max + log(1 + exp(-|a - b|)); equal infinities stay what they are."""
    larger = where(a > b, a, b)
    return where(a == b, a + math.log(2.0), larger + log1p(exp(-absolute(a - b))))
