"""aᵇ for floating-point numbers: exp(b log a) with the logarithm as a pair of numbers.

Largest errors in ulp: 0.51 in float32, 1.1 in float64; 2 for known exponents.
"""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    INFINITY,
    NAN,
    absolute,
    exact_product,
    fma,
    is_infinite,
    is_nan,
    is_negative,
    square_root,
    where,
)
from gradiente.backends.native.mathematics.exponential import exp, exp_of_pair
from gradiente.backends.native.mathematics.logarithm import log, log_pair
from gradiente.backends.native.mathematics.rounding import truncated


def power(a: Value, b: Value) -> Value:
    """aᵇ with the special cases of C's `pow`."""
    if b.number is not None and float(b.number) in SHORT:
        return SHORT[float(b.number)](a)
    return _any_power(a, b)


def _root(x: Value) -> Value:
    """x to the power of a half: unlike √x, it is 0 for -0 and ∞ for -∞."""
    return where(x == -INFINITY, INFINITY, square_root(x) + 0.0)


def _squared_reciprocal(x: Value) -> Value:
    inverse = 1 / x
    return inverse * inverse


SHORT = {
    0.0: lambda x: x.code.constant(1.0, x.kind),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    0.5: _root,
    -1.0: lambda x: 1 / x,
    -2.0: _squared_reciprocal,
    -0.5: lambda x: 1 / _root(x),
}


def _any_power(a: Value, b: Value) -> Value:
    code, dtype = a.code, a.dtype
    a, b = code.convert(a, DOUBLE), code.convert(b, DOUBLE)
    size = absolute(a)
    y = _of_positive(size, b) if dtype == DOUBLE else exp(b * log(size))
    y = where(size == 1, 1.0, y)  # also with an infinite exponent
    y = _of_the_ends(y, size, b)
    return code.convert(_signed(y, a, b), dtype)


def _of_positive(a: Value, b: Value) -> Value:
    high, low = log_pair(a)
    product, error = exact_product(high, b)
    return exp_of_pair((product, fma(low, b, error)))


def _of_the_ends(y: Value, size: Value, b: Value) -> Value:
    """The powers of 0 and of ∞, and those with an infinite exponent."""
    grows = (size > 1) == (b > 0)
    extreme = (size == 0) | is_infinite(size) | (is_infinite(b) & (size != 1))
    ends = where(grows, y.code.constant(INFINITY, y.kind), 0.0)
    y = where(extreme & ~is_nan(size) & ~is_nan(b), ends, y)
    y = where(is_nan(size) | is_nan(b), NAN, y)
    return where(b == 0, 1.0, y)


def _signed(y: Value, a: Value, b: Value) -> Value:
    """Negative numbers: odd powers are negative, powers that are not whole do not exist."""
    whole = truncated(b) == b
    half = 0.5 * b
    odd = whole & (truncated(half) != half)
    exists = whole | ~(a < 0) | is_infinite(a)
    y = where(exists, y, NAN)
    y = where(odd & is_negative(a), -y, y)
    return where(a == 1, 1.0, y)
