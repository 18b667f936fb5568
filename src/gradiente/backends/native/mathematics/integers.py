"""Quotient, remainder and power of integers, as NumPy has them: zero divisors give 0."""

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.mathematics.arithmetic import where


def divided(a: Value, b: Value) -> tuple[Value, Value]:
    """⌊a / b⌋ and a - b ⌊a / b⌋; both are 0 if b is 0."""
    code = a.code
    zero = b == 0
    if not a.kind.is_signed:
        safe = where(zero, 1, b)
        quotient = code.binary("udiv", a, safe)
        return where(zero, 0, quotient), where(zero, 0, a - quotient * safe)
    # The smallest integer divided by -1 does not fit: the instruction would trap.
    opposite = b == -1
    safe = where(zero | opposite, 1, b)
    quotient = code.binary("sdiv", a, safe)
    rest = a - quotient * safe
    below = (rest != 0) & ((rest ^ b) < 0)
    quotient = where(below, quotient - 1, quotient)
    rest = where(below, rest + safe, rest)
    return where(zero, 0, where(opposite, -a, quotient)), where(zero, 0, rest)


def power(a: Value, b: Value) -> Value:
    """aᵇ modulo 2ᵇⁱᵗˢ, by repeated squaring; for b < 0 the fraction rounded towards 0."""
    if b.number is not None and b.number >= 0:
        return _known_power(a, int(b.number))
    code, one = a.code, a.code.constant(1, a.kind)
    with code.loop(a.kind.bits, carried=[one, a, b]) as loop:
        result, base, exponent = loop.carried
        result = where((exponent & 1) != 0, result * base, result)
        loop.carry(result, base * base, exponent >> 1)
    if not a.kind.is_signed:
        return loop.results[0]
    # Only 1 and -1 have reciprocals that are whole.
    reciprocal = where(a == 1, one, where(a == -1, where((b & 1) != 0, a, one), 0))
    return where(b < 0, reciprocal, loop.results[0])


def _known_power(a: Value, exponent: int) -> Value:
    result, base = a.code.constant(1, a.kind), a
    while exponent:
        if exponent & 1:
            result = result * base
        base, exponent = base * base, exponent >> 1
    return result
