"""A function for every elementwise operation of the registry, under NumPy's names as well.

Each takes arrays, numbers and Tensors, broadcasts them and promotes their data types as NumPy does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.ops import elementwise as table
from gradiente.ops.operation import OPERATIONS, Operation
from gradiente.trace.tensor import FUNCTIONS, NUMPY_FUNCTIONS, bind, function

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
    "rint": "round",
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


@function(np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition is true, b elsewhere. The branch not taken has gradient 0."""
    return bind(table.where, condition, a, b)


@function(np.clip)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x, but at least `min` and at most `max`; the gradient is 1 inside and at the bounds."""
    if min is None and max is None:
        return FUNCTIONS["positive"](x)
    dtype = np.result_type(x.dtype if hasattr(x, "dtype") else x)
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None  # infinity is no integer
    low = min if min is not None else (int(limits.min) if limits else -np.inf)
    high = max if max is not None else (int(limits.max) if limits else np.inf)
    return bind(table.clip, x, low, high)


@function(np.power)
def power(a: Any, b: Any) -> Any:
    """a raised to b. The gradient with respect to b at a = 0 is taken as 0."""
    if isinstance(b, int) and b == 2:
        return bind(table.square, a)
    return bind(table.power, a, b)


@function(np.round, np.around)
def round_(x: Any, decimals: int = 0) -> Any:
    """The nearest multiple of 10^-decimals, halves to even. No gradient."""
    if decimals == 0:
        return bind(table.round_, x)
    scale = 10.0**decimals
    return bind(table.round_, x * scale) / scale


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
