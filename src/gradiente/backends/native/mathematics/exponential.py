"""eˣ and eˣ - 1, by splitting off a power of two: x = n ln 2 + r with |r| ≤ ln 2 / 2.

eʳ = 1 + r + r² P(r); P minimizes the largest relative error of eʳ - 1 (Remez exchange).

Largest errors in ulp: exp 1.0 in float32 and in float64; expm1 1.5 and 1.8.
"""

from dataclasses import dataclass

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    SINGLE,
    Pair,
    absolute,
    at_least,
    at_most,
    fma,
    nearest_multiple,
    polynomial,
    power_of_two,
    scaled,
    single,
    where,
)

LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class Table:
    """The numbers for one data type.

    ln2: in two parts, the first short enough for exact products with n.
    lowest: below it eˣ is 0; highest: above it eˣ / 2 is infinite;
    minus_one: below it eˣ - 1 is -1; tiny: below it eˣ - 1 is x.
    """

    p: tuple[float, ...]
    ln2: tuple[float, float]
    lowest: float
    highest: float
    minus_one: float
    tiny: float


# fmt: off
TABLES = {
    SINGLE: Table(
        (0.5, 0.16666635870933533, 0.041666511446237564, 0.008341607637703419,
         0.0013930529821664095, 0.00014933229249436408),
        (0.693359375, -2.12194440e-4), -104.5, 90.0, -25.0, 2.0**-24,
    ),
    DOUBLE: Table(
        (0.5, 0.16666666666666677, 0.041666666666666505, 0.00833333333332164,
         0.0013888888888962689, 0.0001984126988611484, 2.4801587172124316e-05,
         2.7557244208049958e-06, 2.7557402815685735e-07, 2.510904197524248e-08,
         2.0875331939025414e-09),
        (6.93147180369123816490e-01, 1.90821492927058770002e-10), -746.0, 711.0, -40.0, 2.0**-54,
    ),
}
# fmt: on


def split(x: Value, rest: Value | None = None) -> tuple[Value, Value]:
    """n, an integer, and e such that exp(x + rest) = 2ⁿ (1 + e)."""
    table = TABLES[x.dtype]
    multiple, n = nearest_multiple(x, LOG2_E)
    r = fma(multiple, -table.ln2[0], x)
    r = fma(multiple, -table.ln2[1], r)
    if rest is not None:
        r = r + rest
    return n, fma(r * r, polynomial(r, table.p), r)


def _limited(x: Value) -> Value:
    table = TABLES[x.dtype]
    return at_most(at_least(x, table.lowest), table.highest)


@single
def exp(x: Value) -> Value:
    """eˣ"""
    n, e = split(_limited(x))
    return scaled(1 + e, n)


def exp_of_pair(x: Pair) -> Value:
    """e to the power of an unevaluated sum."""
    rest = where(absolute(x[0]) < 1000.0, x[1], 0.0)  # beyond, it may not be a number
    n, e = split(_limited(x[0]), rest)
    return scaled(1 + e, n)


def half_exp(x: Value) -> Value:
    """eˣ / 2, finite a little longer than eˣ."""
    n, e = split(_limited(x))
    return scaled(1 + e, n - 1)


def scaled_expm1(x: Value, down: int) -> Value:
    """2⁻ᵈ (eˣ - 1) = 2ⁿ⁻ᵈ e + (2ⁿ⁻ᵈ - 2⁻ᵈ), unless 2ⁿ⁻ᵈ overflows."""
    n, e = split(x)
    power = power_of_two(n - down)
    return fma(power, e, power - 2.0**-down)


@single
def expm1(x: Value) -> Value:
    """eˣ - 1, accurate near 0."""
    table = TABLES[x.dtype]
    inner = at_most(at_least(x, table.minus_one), LARGEST[x.dtype])
    return where(absolute(x) < table.tiny, x, 2 * scaled_expm1(inner, 1))


LARGEST = {SINGLE: 89.0, DOUBLE: 710.0}  # eˣ is infinite there, (eˣ - 1) / 2 is not
