"""A function for every elementwise operation of the registry, under NumPy's names as well.

Each takes arrays, numbers and Tensors, broadcasts them and promotes their data types as NumPy does.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError, UnsupportedFunctionError
from gradiente.base.source import current_source
from gradiente.ops import elementwise as table
from gradiente.ops.operation import OPERATIONS, Operation
from gradiente.trace.axes import dtype_of
from gradiente.trace.tensor import FUNCTIONS, NUMPY_FUNCTIONS, bind, function, m

# Names of the Array API standard and of NumPy for operations called otherwise in the table.
ALIASES = {
    "absolute": "abs",
    "pow": "power",
    "true_divide": "divide",
    "mod": "remainder",
    "invert": "bitwise_not",
    "bitwise_invert": "bitwise_not",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
}
WRITTEN_OUT = ("cast", "where", "clip", "power", "round")


def _elementwise_function(operation: Operation) -> Callable[..., Any]:
    def one(x: Any) -> Any:
        return bind(operation, x)

    def two(a: Any, b: Any) -> Any:
        return bind(operation, a, b)

    assert operation.formula is not None
    definition = one if operation.formula.__code__.co_argcount == 2 else two
    definition.__name__ = definition.__qualname__ = operation.name
    definition.__doc__ = f"`{operation.name}`, elementwise, on arrays, numbers and Tensors."
    return definition


@function()
def cast(x: Any, dtype: Any) -> Any:
    """The same values in another data type, as `x.astype(dtype)`."""
    return bind(table.cast, x, dtype=np.dtype(dtype))


@function(np.astype)
def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """The same values in another data type."""
    return m.cast(x, dtype)


@function(np.where)
def where(condition: Any, a: Any = None, b: Any = None) -> Any:
    """a where the condition is true, b elsewhere. The branch not taken has gradient 0."""
    if a is None or b is None:
        raise UnsupportedFunctionError(
            "`where` with a condition alone gives an array whose shape depends on values. Write "
            "`gd.where(condition, a, b)`." + current_source().explain()
        )
    return bind(table.where, condition, a, b)


@function(np.clip)
def clip(x: Any, min: Any = None, max: Any = None, *, a_min: Any = None, a_max: Any = None) -> Any:
    """x, but at least `min` and at most `max`; the gradient is 1 inside and at the bounds."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    bounds = [bound for bound in (low, high) if bound is not None]
    if not any(dtype_of(item).kind == "f" for item in (x, *bounds)):  # infinity is no integer
        x = x if low is None else m.maximum(x, low)
        return x if high is None else m.minimum(x, high)
    return bind(
        table.clip, x, -math.inf if low is None else low, math.inf if high is None else high
    )


@function(np.power)
def power(a: Any, b: Any) -> Any:
    """a raised to b. The gradient with respect to b at a = 0 is taken as 0."""
    kind = dtype_of(a).kind
    if type(b) in (int, float) and b == 2 and (kind == "f" or (kind in "iu" and type(b) is int)):
        return bind(table.square, a)
    if type(b) is int and b < 0 and kind != "f":
        raise TypeMismatchError(
            f"integers have no integer power {b}; write `a ** {b}.0`." + current_source().explain()
        )
    return bind(table.power, a, b)


@function(np.round, np.around)
def round_(x: Any, decimals: int = 0) -> Any:
    """The nearest multiple of 10^-decimals, halves to even. No gradient."""
    if decimals == 0:
        return bind(table.round_, x)
    if dtype_of(x).kind in "iu":
        x, dtype = (x if decimals > 0 else x / 10**-decimals), dtype_of(x)
        return m.cast(bind(table.round_, x) * 10 ** max(-decimals, 0), dtype)
    if decimals > 0:
        return bind(table.round_, x * 10.0**decimals) / 10.0**decimals
    return bind(table.round_, x / 10.0**-decimals) * 10.0**-decimals


@function(np.rint)
def rint(x: Any) -> Any:
    """The nearest whole number, halves to even, as a floating number. No gradient."""
    return bind(table.round_, m.cast(x, np.rint(np.empty(0, dtype_of(x))).dtype))


def _fill_tables() -> None:
    for name, operation in OPERATIONS.items():
        if operation.family == "elementwise" and name not in WRITTEN_OUT:
            FUNCTIONS[name] = _elementwise_function(operation)
            if isinstance(getattr(np, name, None), np.ufunc):
                NUMPY_FUNCTIONS[getattr(np, name)] = FUNCTIONS[name]
    for alias, name in ALIASES.items():
        FUNCTIONS[alias] = FUNCTIONS[name]
        if hasattr(np, alias):
            NUMPY_FUNCTIONS[getattr(np, alias)] = FUNCTIONS[name]


_fill_tables()
