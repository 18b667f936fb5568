"""Rounding to whole numbers, and to the neighbouring floating-point number."""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    HALF,
    SINGLE,
    absolute,
    bits,
    from_bits,
    in_at_least,
    is_nan,
    mantissa_bits,
    where,
    with_sign_of,
)


def _rounded(word: str, x: Value) -> Value | None:
    """By one instruction, which every CPU has that multiplies and adds in one; else None."""
    return x.code.intrinsic(word, x) if x.code.target.fuses else None


def _nearest(x: Value) -> Value:
    """The nearest integer, by adding a number so large that no fraction fits: its sign may be off.

    Numbers that large are integers themselves.
    """
    size = absolute(x)
    whole = 2.0 ** mantissa_bits(x.dtype)
    return where(size < whole, (size + whole) - whole, size)


@in_at_least(SINGLE)
def nearest(x: Value) -> Value:
    """The nearest integer; of two, the even one."""
    known = _rounded("roundeven", x)
    return with_sign_of(_nearest(x), x) if known is None else known


@in_at_least(SINGLE)
def truncated(x: Value) -> Value:
    """The integer part."""
    known = _rounded("trunc", x)
    if known is not None:
        return known
    size, near = absolute(x), _nearest(x)
    return with_sign_of(where(near > size, near - 1, near), x)


@in_at_least(SINGLE)
def floor(x: Value) -> Value:
    """The largest integer that is not above x."""
    known = _rounded("floor", x)
    if known is not None:
        return known
    near = nearest(x)
    return with_sign_of(where(near > x, near - 1, near), x)


@in_at_least(SINGLE)
def ceil(x: Value) -> Value:
    """The smallest integer that is not below x."""
    known = _rounded("ceil", x)
    if known is not None:
        return known
    near = nearest(x)
    return with_sign_of(where(near < x, near + 1, near), x)


def nextafter(x: Value, towards: Value) -> Value:
    """The next number after x on the way to another; its bits count up away from 0."""
    word = bits(x)
    grows = (x < towards) == (x > 0)
    step = where(grows, word.code.constant(1, word.kind), -1)
    smallest = with_sign_of(from_bits(word.code.constant(1, word.kind)), towards)
    moved = where(x == 0, smallest, from_bits(word + step))
    moved = where(x == towards, x if x.dtype == HALF else towards, moved)
    return where(is_nan(x) | is_nan(towards), x + towards, moved)
