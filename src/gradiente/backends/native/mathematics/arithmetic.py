"""The small steps that functions are made of: choices, bits, powers of two, exact errors."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import BOOL, Kind

HALF, SINGLE, DOUBLE = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
INTEGERS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}
INFINITY = float("inf")
NAN = float("nan")

Pair = tuple[Value, Value]  # the unevaluated sum of a number and of what rounding left of it

# -- choices ---------------------------------------------------------------------------------------


def alike(*values: Any) -> list[Value]:
    """Values and numbers as values of one kind: that of the value with the most lanes."""
    known = [value for value in values if isinstance(value, Value)]
    kind = max((value.kind for value in known), key=lambda kind: kind.lanes)
    return [known[0].code.as_kind(value, kind) for value in values]


def where(condition: Value, a: Any, b: Any) -> Value:
    """a where the condition is true, b elsewhere."""
    code = condition.code
    if not isinstance(a, Value) and not isinstance(b, Value):
        raise TypeError("one of the two must be a value, to know the data type by.")
    a, b = alike(a, b)
    if a.kind.lanes < condition.kind.lanes:
        a, b = (code.splat(one, condition.kind.lanes) for one in (a, b))
    if condition.kind.lanes < a.kind.lanes:
        condition = code.splat(condition, a.kind.lanes)
    return code.select(condition, a, b)


def is_nan(x: Value) -> Value:
    """True for what is not even equal to itself."""
    return x != x


def is_infinite(x: Value) -> Value:
    """True for both infinities."""
    return absolute(x) == INFINITY


def at_most(x: Value, bound: float) -> Value:
    """The smaller one; NaN stays NaN."""
    return where(x > bound, bound, x)


def at_least(x: Value, bound: float) -> Value:
    """The larger one; NaN stays NaN."""
    return where(x < bound, bound, x)


def any_of(condition: Value) -> Value:
    """Whether one of the lanes is true."""
    if condition.kind.lanes == 1:
        return condition
    return condition.code.intrinsic("vector.reduce.or", condition, kind=Kind(BOOL))


def replaced(
    rare: Value,
    inputs: Sequence[Value],
    found: Sequence[Value],
    one: Callable[..., Sequence[Value]],
) -> list[Value]:
    """What was found, but `one(*elements of the inputs)` in lanes that are rare.

    The loop over lanes is entered only if there is one; it computes all of them.
    """
    code, lanes = rare.code, rare.kind.lanes
    stop = code.select(any_of(rare), code.index(lanes), code.index(0))
    with code.loop(stop, carried=found) as loop:
        here = code.element(rare, loop.index)
        computed = one(*(code.element(x, loop.index) for x in inputs))
        following = []
        for old, new in zip(loop.carried, computed, strict=True):
            kept = code.select(here, new, code.element(old, loop.index))
            following.append(code.with_element(old, loop.index, kept))
        loop.carry(*following)
    return loop.results


# -- bits ------------------------------------------------------------------------------------------


def bits_of(number: float, dtype: np.dtype) -> int:
    """The bits of a floating-point number as an integer."""
    return int.from_bytes(np.asarray(number, dtype).tobytes(), sys.byteorder)


def bits(x: Value) -> Value:
    """The bits of floating-point numbers as signed integers."""
    return x.code.bitcast(x, INTEGERS[x.dtype.itemsize])


def from_bits(n: Value) -> Value:
    """The floating-point numbers with these bits."""
    return n.code.bitcast(n, f"f{n.dtype.itemsize}")


def absolute(x: Value) -> Value:
    """|x|: without the bit of the sign."""
    return x.code.intrinsic("fabs", x)


def square_root(x: Value) -> Value:
    """√x, NaN below 0."""
    return x.code.intrinsic("sqrt", x)


def with_sign_of(x: Value, sign: Any) -> Value:
    """The size of x with the sign of another number, also of zeros and NaN."""
    return x.code.intrinsic("copysign", *alike(x, sign))


def is_negative(x: Value) -> Value:
    """Whether the bit of the sign is set."""
    return bits(x) < 0


def mantissa_bits(dtype: np.dtype) -> int:
    """How many bits of the fraction are stored."""
    return int(np.finfo(dtype).nmant)


def bias(dtype: np.dtype) -> int:
    """The exponent of 1 as it is stored."""
    return bits_of(1.0, dtype) >> mantissa_bits(dtype)


# -- rounding and powers of two --------------------------------------------------------------------


def shifter(dtype: np.dtype) -> float:
    """1.5 · 2^p: added to a small number it leaves the nearest integer in the lowest bits."""
    return 1.5 * 2.0 ** mantissa_bits(dtype)


def nearest_multiple(x: Value, factor: float) -> tuple[Value, Value]:
    """The integer nearest to x · factor, which must be small, as a float and as an integer."""
    magic = shifter(x.dtype)
    shifted = fma(x, factor, magic)
    return shifted - magic, bits(shifted) - bits_of(magic, x.dtype)


def from_small_integer(n: Value) -> Value:
    """A small integer as a float of the same width: faster than converting any integer."""
    dtype = np.dtype(f"f{n.dtype.itemsize}")
    magic = shifter(dtype)
    return from_bits(n + bits_of(magic, dtype)) - magic


def power_of_two(n: Value) -> Value:
    """2ⁿ as a float of the same width, if it is a normal number."""
    dtype = np.dtype(f"f{n.dtype.itemsize}")
    return from_bits((n + bias(dtype)) << mantissa_bits(dtype))


def scaled(x: Value, n: Value) -> Value:
    """x · 2ⁿ, rounded once, for x near 1 and |n| below twice the largest exponent."""
    if x.code.target.scales:
        return _scaled_at_once(x, n)
    half = n >> 1
    return x * power_of_two(half) * power_of_two(n - half)


def _scaled_at_once(x: Value, n: Value) -> Value:
    code, kind = x.code, x.kind
    n = code.convert(n, np.int32)
    lanes = f"v{kind.lanes}" if kind.lanes > 1 else ""
    name = f"@llvm.ldexp.{lanes}f{kind.bits}.{lanes}i32"
    code.declarations.add(f"declare {kind.text} {name}({kind.text}, {n.kind.text})")
    call = f"call {kind.text} {name}({kind.text} {x.name}, {n.kind.text} {n.name})"
    return code.assign(call, kind)


# -- multiplying and adding ------------------------------------------------------------------------


def fma(a: Any, b: Any, c: Any) -> Value:
    """a · b + c, rounded once where the target can do so in one instruction, else twice."""
    a, b, c = alike(a, b, c)
    return a.code.fma(a, b, c)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """c₀ + c₁ x + c₂ x² + …, by Horner's rule."""
    *rest, last = coefficients
    total: Any = last
    for coefficient in reversed(rest):
        total = fma(total, x, coefficient)
    return total


def exact_product(a: Any, b: Any) -> Pair:
    """a · b and its rounding error."""
    a, b = alike(a, b)
    product = a * b
    if a.code.target.fuses:
        return product, fma(a, b, -product)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _halves(x: Value) -> Pair:
    """x as a sum of two numbers of half the bits, so that products of them are exact."""
    drop = (mantissa_bits(x.dtype) + 2) // 2
    high = from_bits(bits(x) & -(1 << drop))
    return high, x - high


def exact_sum(a: Value, b: Any) -> Pair:
    """a + b and its rounding error, whichever is larger."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def ordered_sum(a: Value, b: Any) -> Pair:
    """a + b and its rounding error, if |a| is at least |b| or a is 0."""
    total = a + b
    return total, b - (total - a)


def pair_product(a: Pair, b: tuple[Any, Any]) -> Pair:
    """The product of two pairs, as a pair."""
    product, error = exact_product(a[0], b[0])
    return ordered_sum(product, error + (a[0] * b[1] + a[1] * b[0]))


# -- data types ------------------------------------------------------------------------------------

Function = Callable[..., Value]


def in_at_least(dtype: np.dtype) -> Callable[[Function], Function]:
    """Declare the narrowest type a function computes in: narrower inputs are converted there."""

    def declare(function: Function) -> Function:
        @wraps(function)
        def converted(*inputs: Value) -> Value:
            code, given = inputs[0].code, inputs[0].dtype
            if given.itemsize >= dtype.itemsize:
                return function(*inputs)
            return code.convert(function(*(code.convert(x, dtype) for x in inputs)), given)

        return converted

    return declare


single = in_at_least(SINGLE)
double = in_at_least(DOUBLE)
