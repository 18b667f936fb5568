"""⌊a / b⌋ and a - b ⌊a / b⌋ of floating-point numbers, as NumPy and Python have them.

The remainder is exact: with q the truncated quotient below 2⁵², a - q b is off by at most one b.
For larger quotients the integers behind the numbers are divided, lane by lane.
"""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import (
    INFINITY,
    NAN,
    absolute,
    bits,
    double,
    exact_product,
    is_negative,
    replaced,
    scaled,
    where,
    with_sign_of,
)
from gradiente.backends.native.mathematics.rounding import floor, truncated

LARGEST_QUOTIENT = 2.0**52
FRACTION = (1 << 52) - 1
STEP = 11  # bits by which 53 bits can be shifted in a word of 64


@double
def remainder(a: Value, b: Value) -> Value:
    """The rest with the sign of b; of 0 too."""
    return _remainder_and_rest(a, b)[0]


@double
def floor_divide(a: Value, b: Value) -> Value:
    """The quotient rounded down."""
    remainder, rest = _remainder_and_rest(a, b)
    quotient = (a - rest) / b
    quotient = where(remainder != rest, quotient - 1, quotient)
    lower = floor(quotient)
    lower = where(quotient - lower > 0.5, lower + 1, lower)
    plain = a / b
    lower = where(quotient == 0, with_sign_of(b.code.constant(0.0, b.kind), plain), lower)
    return where(b == 0, plain, lower)


def _remainder_and_rest(a: Value, b: Value) -> tuple[Value, Value]:
    """The remainder with the sign of b, and the rest with the sign of a before."""
    rest = with_sign_of(_rest(absolute(a), absolute(b)), a)
    other_side = (rest != 0) & (is_negative(rest) ^ is_negative(b))
    moved = where(other_side, rest + b, rest)
    return where(rest == 0, with_sign_of(rest, b), moved), rest


def _rest(a: Value, b: Value) -> Value:
    """a - q b with the whole q for which it lies in [0, b), for a, b ≥ 0."""
    quotient = a / b
    whole = truncated(quotient)
    product, error = exact_product(whole, b)
    rest = (a - product) - error
    rest = where(rest < 0, rest + b, rest)
    rest = where(b < INFINITY, rest, a + 0 * a)
    rest = where(a < b, a, rest)
    large = (quotient >= LARGEST_QUOTIENT) & (a < INFINITY) & (b > 0)
    (found,) = replaced(large, (a, b), (rest,), _long_division)
    return where(b > 0, found, NAN)


def _long_division(a: Value, b: Value) -> tuple[Value]:
    """The rest of two numbers by the integers behind them: a few bits of the quotient a round."""
    code = a.code
    (fraction, exponent), (divisor, unit) = _integer(a), _integer(b)
    divisor = where(divisor == 0, 1, divisor)
    rest, distance = code.binary("urem", fraction, divisor), exponent - unit
    with code.loop(distance, step=STEP, carried=[rest]) as loop:
        shift = code.intrinsic("smin", distance - loop.index, code.index(STEP))
        loop.carry(code.binary("urem", loop.carried[0] << shift, divisor))
    return (scaled(code.convert(loop.results[0], a.dtype), unit),)


def _integer(x: Value) -> tuple[Value, Value]:
    """n and e of a positive number n · 2ᵉ."""
    stored = bits(x) >> 52
    normal = stored > 0
    fraction = (bits(x) & FRACTION) | where(normal, stored.code.index(FRACTION + 1), 0)
    return fraction, where(normal, stored, 1) - (1023 + 52)
