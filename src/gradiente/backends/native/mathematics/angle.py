"""Angles without their quarter turns: x = k π/2 + r with |r| ≤ π/4, right for every finite x.

Below a bound the multiple of π/2 is subtracted in parts (Cody and Waite), each short enough for an
exact product with k. Beyond, the bits of 2/π that matter for x are multiplied with it as integers
(Payne and Hanek): rarely needed, so the lanes go there one by one.
"""

import numpy as np

from gradiente.backends.native.language.emit import Code, Value
from gradiente.backends.native.language.kind import INDEX
from gradiente.backends.native.mathematics.arithmetic import (
    DOUBLE,
    INFINITY,
    SINGLE,
    Pair,
    absolute,
    bits,
    exact_sum,
    fma,
    nearest_multiple,
    ordered_sum,
    pair_product,
    power_of_two,
    replaced,
)

TWO_OVER_PI = 0.6366197723675814
HALF_PI = (1.5707963267948966, 6.123233995736766e-17)
# π/2 in parts of 33 bits, and what remains: products with integers below 2²⁰ are exact.
HALF_PI_PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21)
HALF_PI_REST = 8.4784276603689e-32
LARGE = 2.0**20


def without_quarter_turns(x: Value) -> tuple[Value, Pair]:
    """The integer k (the last two bits of it) and r as a pair, for float64."""
    multiple, k = nearest_multiple(x, TWO_OVER_PI)
    first, *others = HALF_PI_PARTS
    high, low = fma(multiple, -first, x), multiple * -HALF_PI_REST
    for part in others:
        high, lost = exact_sum(high, -(multiple * part))
        low = low + lost
    high, low = ordered_sum(high, low)
    size = absolute(x)
    large = (size >= LARGE) & (size < INFINITY)
    k, high, low = replaced(large, (x,), (k, high, low), quarter_turns)
    return k, (high, low)


# π/2 in parts of 24 bits: the first product with a multiple is subtracted without any rounding.
# None is negative, so that -0 stays -0.
HALF_PI_PARTS_SINGLE = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15)
LARGE_SINGLE = 2.0**15


def without_quarter_turns_single(x: Value) -> tuple[Value, Value]:
    """The same for float32 on CPUs that fuse products and sums, with r rounded."""
    code = x.code
    multiple, k = nearest_multiple(x, TWO_OVER_PI)
    r = x
    for part in HALF_PI_PARTS_SINGLE:
        r = fma(multiple, -part, r)

    def exactly(one: Value) -> tuple[Value, Value]:
        k, high, _ = quarter_turns(code.convert(one, DOUBLE))
        return code.convert(k, np.int32), code.convert(high, SINGLE)

    size = absolute(x)
    k, r = replaced((size >= LARGE_SINGLE) & (size < INFINITY), (x,), (k, r), exactly)
    return k, r


# -- Payne and Hanek -------------------------------------------------------------------------------

# 64 zeros, then the first bits of 2/π: enough for the largest float64.
TWO_OVER_PI_WORDS = (
    0x0000000000000000, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041,
    0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
)  # fmt: skip
TABLE = "@two_over_pi"


def quarter_turns(x: Value) -> tuple[Value, Value, Value]:
    """k and r, high and low, for one float64 of at least 1."""
    turns = _turns(x)
    code = x.code
    rest = _wide(code, f"shl i128 {turns}, 2")  # signed: the nearest multiple is taken off
    half = _wide(code, f"add i128 {turns}, {1 << 125}")
    return _word(code, half, 126), *_radians(code, rest, HALF_PI)


def _turns(x: Value) -> str:
    """The quarter turns in |x| modulo 4, times 2¹²⁶, as a 128 bit integer; negated if x is."""
    code = x.code
    fraction = (bits(x) & ((1 << 52) - 1)) | (1 << 52)
    # The first bit of 2/π whose product with x is no multiple of 4, counted from the 64 zeros.
    place = ((bits(x) >> 52) & 0x7FF) - (1075 + 2 - 64)
    place = code.intrinsic("smax", place, code.index(0))  # lanes that are not large are read too
    first, second, third = _window(code, place)
    factor = _wide(code, f"zext i64 {fraction.name} to i128")
    high = _wide(code, f"zext i64 {(fraction * first).name} to i128")
    high = _wide(code, f"shl i128 {high}, 64")
    middle = _wide(code, f"mul i128 {_extended(code, second)}, {factor}")
    low = _wide(code, f"mul i128 {_extended(code, third)}, {factor}")
    low = _wide(code, f"lshr i128 {low}, 64")
    total = _wide(code, f"add i128 {high}, {middle}")
    total = _wide(code, f"add i128 {total}, {low}")
    negated = _wide(code, f"sub i128 0, {total}")
    negative = bits(x) < 0
    return _wide(code, f"select i1 {negative.name}, i128 {negated}, i128 {total}")


def _window(code: Code, place: Value) -> list[Value]:
    """192 bits of the table from a bit on, as three words."""
    count = len(TWO_OVER_PI_WORDS)
    words = ", ".join(f"i64 {word}" for word in TWO_OVER_PI_WORDS)
    code.declarations.add(f"{TABLE} = private constant [{count} x i64] [{words}], align 8")
    first, shift = place >> 6, place & 63
    words_read = [code.load(TABLE, first + i, INDEX) for i in range(4)]
    return [code.intrinsic("fshl", words_read[i], words_read[i + 1], shift) for i in range(3)]


def _radians(code: Code, rest: str, unit: Pair | tuple[float, float]) -> Pair:
    """A signed fraction of 2¹²⁸ times a unit of angle, as a pair of float64."""
    negative = Value(code, _wide(code, f"icmp slt i128 {rest}, 0"), INDEX)
    opposite = _wide(code, f"sub i128 0, {rest}")
    size = _wide(code, f"select i1 {negative.name}, i128 {opposite}, i128 {rest}")
    code.declarations.add("declare i128 @llvm.ctlz.i128(i128, i1)")
    zeros = _wide(code, f"call i128 @llvm.ctlz.i128(i128 {size}, i1 false)")
    size = _wide(code, f"shl i128 {size}, {zeros}")
    shift = code.assign(f"trunc i128 {zeros} to i64", INDEX)
    scale = power_of_two(-53 - shift)
    scale = code.assign(
        f"select i1 {negative.name}, double {(-scale).name}, double {scale.name}", scale.kind
    )
    high = code.convert(_word(code, size, 75), DOUBLE) * scale
    low = code.convert(_word(code, size, 22) & ((1 << 53) - 1), DOUBLE) * scale * 2.0**-53
    return pair_product((high, low), unit)


def _wide(code: Code, text: str) -> str:
    """An instruction on integers of 128 bits, which are no type of arrays; its name."""
    return code.assign(text, INDEX).name


def _extended(code: Code, word: Value) -> str:
    return _wide(code, f"zext i64 {word.name} to i128")


def _word(code: Code, wide: str, place: int) -> Value:
    """64 bits of a wide integer from a place on."""
    moved = _wide(code, f"lshr i128 {wide}, {place}")
    return code.assign(f"trunc i128 {moved} to i64", INDEX)
