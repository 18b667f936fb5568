"""The length of a vector of two numbers, without overflow on the way: to 0.51 ulp."""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    INFINITY,
    absolute,
    exact_product,
    exact_sum,
    is_infinite,
    square_root,
    where,
)

HUGE, TINY = 2.0**511, 2.0**-459  # where squares overflow, where they lose bits
SHRINK, GROW = 2.0**-600, 2.0**600


def hypot(a: Value, b: Value) -> Value:
    """√(a² + b²); ∞ if one of them is infinite, even if the other is NaN."""
    code, dtype = a.code, a.dtype
    a, b = absolute(code.convert(a, DOUBLE)), absolute(code.convert(b, DOUBLE))
    root = _scaled_root(a, b) if dtype == DOUBLE else square_root(a * a + b * b)
    root = where(is_infinite(a) | is_infinite(b), INFINITY, root)
    return code.convert(root, dtype)


def _scaled_root(a: Value, b: Value) -> Value:
    """The root of squares that neither overflow nor lose bits."""
    larger = where(a > b, a, b)
    one = a.code.constant(1.0, a.kind)
    down, up = larger > HUGE, larger < TINY
    scale = where(down, SHRINK, where(up, GROW, one))
    back = where(down, GROW, where(up, SHRINK, one))
    return _root_of_squares(a * scale, b * scale) * back


def _root_of_squares(a: Value, b: Value) -> Value:
    """With a step of Newton's from the rounded root, by the error of its square."""
    square, lost = exact_product(a, a)
    other, lost_other = exact_product(b, b)
    total, rest = exact_sum(square, other)
    rest = rest + (lost + lost_other)
    root = square_root(total)
    again, error = exact_product(root, root)
    correction = ((total - again) - error + rest) / (root + root)
    return where(total > 0, root + correction, total)
