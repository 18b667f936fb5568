"""Values of one data type in another, as NumPy's `astype` has them."""

from dataclasses import replace
from typing import Any

import numpy as np

HALF, SINGLE, DOUBLE = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)


def convert(value: Any, dtype: np.dtype) -> Any:
    """The value in another data type."""
    target = value.kind.with_dtype(dtype)
    if value.dtype == dtype:
        return value
    if dtype.kind == "b":
        return value != 0
    if HALF in (value.dtype, dtype):
        return _half(value, dtype)
    if value.kind.is_float and not target.is_float:
        return _to_integer(value, target)
    word = _instruction(value.kind, target)
    if not word:
        return type(value)(value.code, value.name, target)
    return value.code.assign(f"{word} {value.kind.text} {value.name} to {target.text}", target)


def _instruction(source: Any, target: Any) -> str:
    """The instruction that converts; empty if the bits stay as they are."""
    if source.dtype == bool:
        return "uitofp" if target.is_float else "zext"
    if source.is_float:
        return "fpext" if target.bits > source.bits else "fptrunc"
    if target.is_float:
        return "sitofp" if source.is_signed else "uitofp"
    if target.bits == source.bits:
        return ""
    if target.bits < source.bits:
        return "trunc"
    return "sext" if source.is_signed else "zext"


def _half(value: Any, dtype: np.dtype) -> Any:
    """From or to float16: by way of float32, which is all that CPUs convert it to."""
    if SINGLE not in (value.dtype, dtype):
        between = _to_odd(value) if value.dtype == DOUBLE else convert(value, SINGLE)
        return convert(between, dtype)
    target = value.kind.with_dtype(dtype)
    word = _instruction(value.kind, target)
    return value.code.assign(f"{word} {value.kind.text} {value.name} to {target.text}", target)


def _to_odd(value: Any) -> Any:
    """float64 as the neighbour in float32 whose last bit is 1: rounding that again is harmless."""
    code = value.code
    near = convert(value, SINGLE)
    back = convert(near, DOUBLE)
    bits = code.bitcast(near, np.int32)
    beyond = code.intrinsic("fabs", back) > code.intrinsic("fabs", value)
    odd = (bits - convert(beyond, bits.dtype)) | convert(back != value, bits.dtype)
    return code.bitcast(odd, SINGLE)


def _to_integer(value: Any, target: Any) -> Any:
    """Numbers that do not fit give the smallest integer, as x86 and NumPy there do."""
    code = value.code
    large = target.bits > 32 or target.dtype == np.uint32
    wide = replace(target, dtype=np.dtype(np.int64 if large else np.int32))
    smallest, limit = -(2 ** (wide.bits - 1)), 2.0 ** (wide.bits - 1)
    upper = value >= limit
    if target.dtype == np.uint64:  # the upper half of its range, moved down
        value = code.select(upper, value - limit, value)
    fits = (value >= -limit) & (value < limit)
    converted = code.assign(f"fptosi {value.kind.text} {value.name} to {wide.text}", wide)
    result = code.select(fits, converted, code.constant(smallest, wide))
    if target.dtype == np.uint64:
        result = code.select(upper, result ^ smallest, result)
    return convert(result, target.dtype)
