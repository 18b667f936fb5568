"""Choices, signs and questions: the words that compute nothing, for numbers of every type."""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import BOOL
from gradiente.backends.native.mathematics.arithmetic import (
    HALF,
    INFINITY,
    absolute,
    bits,
    bits_of,
    is_nan,
    where,
    with_sign_of,
)


def maximum(a: Value, b: Value) -> Value:
    """The larger one; NaN if one of them is."""
    if not a.kind.is_float:
        return a | b if a.dtype == BOOL else where(a > b, a, b)
    return where(_wins(a > b, a == b, a), a, b)


def minimum(a: Value, b: Value) -> Value:
    """The smaller one; NaN if one of them is."""
    if not a.kind.is_float:
        return a & b if a.dtype == BOOL else where(a < b, a, b)
    return where(_wins(a < b, a == b, a), a, b)


def _wins(before: Value, equal: Value, a: Value) -> Value:
    """Whether a is taken: of 0 and -0, which are equal, NumPy takes the first only in float16."""
    return before | is_nan(a) | equal if a.dtype == HALF else before | is_nan(a)


def magnitude(x: Value) -> Value:
    """|x|; the smallest integer stays negative."""
    if x.kind.is_float:
        return absolute(x)
    return where(x < 0, -x, x) if x.kind.is_signed else x


def sign(x: Value) -> Value:
    """-1, 0 or 1; NaN for NaN."""
    one = x.code.constant(1, x.kind)
    if not x.kind.is_float:
        positive = where(x > 0, one, 0)
        return where(x < 0, -1, positive) if x.kind.is_signed else positive
    zero_or_nan = where(x == 0, 0.0, x)
    return where(absolute(x) > 0, with_sign_of(one, x), zero_or_nan)


def signbit(x: Value) -> Value:
    """Whether the sign is minus, also that of 0 and NaN."""
    if x.kind.is_float:
        return bits(x) < 0
    return x < 0


def _size_bits(x: Value) -> Value:
    """The bits of |x| as an integer: they are in the order of the numbers, NaN last."""
    return bits(x) & ((1 << (x.kind.bits - 1)) - 1)


def isfinite(x: Value) -> Value:
    """Neither infinite nor NaN."""
    if not x.kind.is_float:
        return x == x
    return _size_bits(x) < bits_of(INFINITY, x.dtype)


def isinf(x: Value) -> Value:
    """Whether it is ∞ or -∞."""
    if not x.kind.is_float:
        return x != x
    return _size_bits(x) == bits_of(INFINITY, x.dtype)


def isnan(x: Value) -> Value:
    """Whether it is not a number."""
    return is_nan(x)


def truth(x: Value) -> Value:
    """Whether it is not 0."""
    return x if x.dtype == BOOL else x != 0


def logical_and(a: Value, b: Value) -> Value:
    """Both are not 0."""
    return truth(a) & truth(b)


def logical_or(a: Value, b: Value) -> Value:
    """At least one is not 0."""
    return truth(a) | truth(b)


def logical_xor(a: Value, b: Value) -> Value:
    """Just one is not 0."""
    return truth(a) ^ truth(b)


def logical_not(x: Value) -> Value:
    """It is 0."""
    return ~truth(x)
