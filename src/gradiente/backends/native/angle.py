"""Angles without their quarter turns: x = k π/2 + r with |r| ≤ π/4, right for every finite x.

Below 2²⁰ the multiple of π/2 is subtracted in parts (Cody and Waite), each short enough for an
exact product with k. Beyond, the bits of 2/π that matter for x are multiplied with it as integers
(Payne and Hanek): rarely needed, so the lanes go there one by one.
"""

import numpy as np

from gradiente.backends.native.arithmetic import (
    DOUBLE,
    INFINITY,
    SINGLE,
    Pair,
    absolute,
    any_of,
    bits,
    exact_product,
    exact_sum,
    fma,
    from_bits,
    nearest_multiple,
    ordered_sum,
    power_of_two,
    where,
)
from gradiente.backends.native.emit import INDEX, Code, Kind, Value

TWO_OVER_PI = 0.6366197723675814
HALF_PI = (1.5707963267948966, 6.123233995736766e-17)
PARTS = {  # π/2 in parts of 33 bits, and what remains
    SINGLE: (1.5707963267341256, 6.077100506506192e-11),
    DOUBLE: (
        1.5707963267341256,
        6.077100506303966e-11,
        2.0222662487111665e-21,
        8.4784276603689e-32,
    ),
}
LARGE = 2.0**20

# 64 zeros, then the first bits of 2/π.
BITS = (
    "0000000000000000a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561"
    "b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484"
    "e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980f"
    "ef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b"
    "3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab"
)
WORDS = tuple(int(BITS[i : i + 16], 16) for i in range(0, len(BITS), 16))
TABLE = "two_over_pi"


def without_quarter_turns(x: Value) -> tuple[Value, Pair]:
    """The integer k (the last two bits of it) and r, for x ≥ 0 in float32 or float64.

    r is a pair of numbers in float64; in float32 the second one is left out.
    """
    code = x.code
    wide = code.convert(x, DOUBLE)
    k, r = _below_large(wide, x.dtype)
    k, r = _beyond(wide, k, r)
    if x.dtype == DOUBLE:
        return k, r
    return code.convert(k, np.int32), (code.convert(r[0], SINGLE), code.constant(0.0, x.kind))


def _below_large(x: Value, precision: np.dtype) -> tuple[Value, Pair]:
    multiple, k = nearest_multiple(x, TWO_OVER_PI)
    first, *others, last = PARTS[precision]
    high = fma(multiple, -first, x)
    low: Value | None = None
    for part in others:
        high, lost = exact_sum(high, -(multiple * part))
        low = lost if low is None else low + lost
    if low is None:
        return k, (fma(multiple, -last, high), 0 * high)
    return k, ordered_sum(high, fma(multiple, -last, low))


def _beyond(x: Value, k: Value, r: Pair) -> tuple[Value, Pair]:
    """Replace what is wrong because x is large, in a loop over lanes entered only if need be."""
    code, lanes = x.code, x.kind.lanes
    large = (x >= LARGE) & (x < INFINITY)
    stop = code.select(any_of(large), code.index(lanes), code.index(0))
    with code.loop(stop, carried=[k, *r]) as loop:
        here = code.element(large, loop.index)
        found = _large(code.element(x, loop.index))
        following = []
        for old, new in zip(loop.carried, found, strict=True):
            one = where(here, new, code.element(old, loop.index))
            following.append(code.with_element(old, loop.index, one))
        loop.carry(*following)
    k, high, low = loop.results
    return k, (high, low)


def _large(x: Value) -> tuple[Value, Value, Value]:
    """k and r, high and low, for one number of at least 2²⁰."""
    code = x.code
    word = bits(x)
    place = (word >> 52) - (1075 + 2 - 64)  # of the first bit of 2/π that is no multiple of 4 / x
    fraction = (word & ((1 << 52) - 1)) | (1 << 52)
    turns = _product(code, fraction, _window(code, place))
    one = "shl i128 1, 125"
    half = code.assign(f"{one}", WIDE)
    above = code.assign(f"add i128 {turns.name}, {half.name}", WIDE)
    k = _part(code, above, 126)
    whole = code.assign(f"lshr i128 {above.name}, 126", WIDE)
    whole = code.assign(f"shl i128 {whole.name}, 126", WIDE)
    rest = code.assign(f"sub i128 {turns.name}, {whole.name}", WIDE)
    return k, *_radians(code, rest)


WIDE = Kind(np.dtype(np.int64))
_ = (INDEX, absolute, exact_product, from_bits, power_of_two, Code, HALF_PI)
