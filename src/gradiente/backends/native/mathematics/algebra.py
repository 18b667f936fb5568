"""The words of formulas on LLVM values, and the operators that take more than an instruction.

A word is a function of values of one kind, scalars or vectors; numbers among them become constants.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.backends.native.language.emit import Code, Value, operator
from gradiente.backends.native.mathematics import (
    comparison,
    division,
    integers,
    power,
    rounding,
)
from gradiente.backends.native.mathematics.arithmetic import alike, square_root, where, with_sign_of
from gradiente.backends.native.mathematics.distance import hypot
from gradiente.backends.native.mathematics.error_function import erf
from gradiente.backends.native.mathematics.exponential import exp, expm1
from gradiente.backends.native.mathematics.hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from gradiente.backends.native.mathematics.inverse import acos, asin, atan, atan2
from gradiente.backends.native.mathematics.logarithm import log, log1p, log2, log10, logaddexp
from gradiente.backends.native.mathematics.trigonometric import cos, sin, tan

Function = Callable[..., Value]


def of_numbers(whole: Function) -> Function:
    """A function of floating-point numbers that leaves integers and booleans as they are."""
    return lambda x: whole(x) if x.kind.is_float else x


FUNCTIONS: dict[str, Function] = {
    "maximum": comparison.maximum,
    "minimum": comparison.minimum,
    "abs": comparison.magnitude,
    "sign": comparison.sign,
    "copysign": with_sign_of,
    "signbit": comparison.signbit,
    "floor": of_numbers(rounding.floor),
    "ceil": of_numbers(rounding.ceil),
    "trunc": of_numbers(rounding.truncated),
    "round": of_numbers(rounding.nearest),
    "sqrt": square_root,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "log10": log10,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "atan2": atan2,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "erf": erf,
    "hypot": hypot,
    "logaddexp": logaddexp,
    "nextafter": rounding.nextafter,
    "isfinite": comparison.isfinite,
    "isinf": comparison.isinf,
    "isnan": comparison.isnan,
    "logical_and": comparison.logical_and,
    "logical_or": comparison.logical_or,
    "logical_xor": comparison.logical_xor,
    "logical_not": comparison.logical_not,
}


class Algebra:
    """The words formulas are written with, for the values of one function being written."""

    WORDS = frozenset({"where", "cast", *FUNCTIONS})

    def __init__(self, code: Code):
        self.code = code

    def where(self, condition: Value, a: Any, b: Any) -> Value:
        """a where the condition is true, b elsewhere."""
        return where(condition, a, b)

    def cast(self, x: Value, dtype: Any) -> Value:
        """The same values in another data type."""
        return self.code.convert(x, np.dtype(dtype))

    def __getattr__(self, word: str) -> Function:
        if word not in FUNCTIONS:
            raise AttributeError(f"`{word}` is no word of formulas")
        function = FUNCTIONS[word]
        return lambda *inputs: function(*alike(*inputs))


@operator("//")
def _(a: Value, b: Value) -> Value:
    return division.floor_divide(a, b) if a.kind.is_float else integers.divided(a, b)[0]


@operator("%")
def _(a: Value, b: Value) -> Value:
    return division.remainder(a, b) if a.kind.is_float else integers.divided(a, b)[1]


@operator("**")
def _(a: Value, b: Value) -> Value:
    return power.power(a, b) if a.kind.is_float else integers.power(a, b)
