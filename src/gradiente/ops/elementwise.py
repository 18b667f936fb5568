"""Elementwise operations: a table of formulas and their derivatives.

A row is a name, a formula and the partial derivative for each input, written with the output y
where that is shorter. Broadcasting, data types and the chain rule belong to the family:

    x̄ = Σ over broadcast axes of  g · ∂y/∂x

Conventions at kinks: relu'(0) = 0, |x|' at 0 is 0, equal arguments of maximum and minimum share the
gradient equally, clip passes the gradient at its bounds.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError, TypeMismatchError
from gradiente.base.types import ArrayType
from gradiente.ops.algebra import NUMPY
from gradiente.ops.operation import Example, Operation, broadcast_shapes, declare

Partial = Callable[..., Any] | None


@lru_cache(maxsize=4096)
def _value_dtype(operation: Operation, dtypes: tuple[np.dtype, ...]) -> np.dtype:
    """NumPy's own answer: the data type the formula gives to empty arrays."""
    assert operation.formula is not None
    try:
        return operation.formula(NUMPY, *(np.empty(0, dtype) for dtype in dtypes)).dtype
    except TypeError:
        given = " and ".join(map(str, dtypes))
        raise TypeMismatchError(f"`{operation.name}` is not defined for {given}.") from None


def input_dtypes(operation: Operation, dtypes: tuple[np.dtype, ...]) -> tuple[np.dtype, ...]:
    """The data types the inputs are converted to before the formula runs.

    They are that of the value; where the value is boolean, that of the promoted inputs.
    """
    if operation is where:
        return (np.dtype(bool), *[np.result_type(*dtypes[1:])] * 2)
    value = _value_dtype(operation, dtypes)
    return (np.result_type(*dtypes) if value.kind == "b" else value,) * len(dtypes)


def _common_shape(name: str, types: tuple[ArrayType, ...]) -> tuple[int, ...]:
    try:
        return broadcast_shapes(*(item.shape for item in types))
    except ValueError:
        shapes = " and ".join(str(list(item.shape)) for item in types)
        raise ShapeError(
            f"`{name}` needs shapes that broadcast together, got {shapes}: "
            "aligned from the last axis, two lengths must be equal or one of them 1."
        ) from None


def _chain_rule(partials: tuple[Partial, ...]) -> Callable[..., tuple[Any, ...]]:
    def pullback(m: Any, g: Any, y: Any, *inputs: Any) -> tuple[Any, ...]:
        return tuple(
            None if partial is None else m.sum_to(_scaled(g, partial(m, *inputs, y)), x.shape)
            for x, partial in zip(inputs, partials, strict=True)
        )

    return pullback


def _scaled(g: Any, partial: Any) -> Any:
    if isinstance(partial, int):
        return g if partial == 1 else -g if partial == -1 else g * partial
    return g * partial


def elementwise(
    name: str, formula: Callable[..., Any], *partials: Partial, at: str | tuple[str, ...] = "any"
) -> Operation:
    """Declare an elementwise operation: one row.

    `at` names the domain it may be sampled on, for all inputs or one for each.
    """
    arity = formula.__code__.co_argcount - 1
    domains = at if isinstance(at, tuple) else (at,)
    shapes = ((3, 4), (4,), (3, 1))[:arity]
    operation = Operation(
        name=name,
        value=lambda *arrays: np.asarray(formula(NUMPY, *arrays)),
        type_rule=lambda *types: ArrayType(
            _common_shape(name, types), _value_dtype(operation, tuple(t.dtype for t in types))
        ),
        pullback=_chain_rule(partials) if partials else None,
        family="elementwise",
        formula=formula,
        examples=tuple(Example(shapes, domain=domain) for domain in domains),
    )
    return declare(operation)


LN2, LN10 = math.log(2.0), math.log(10.0)
SQRT_HALF = math.sqrt(0.5)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
INVERSE_SQRT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)

# fmt: off
# ruff: noqa: E501
# arithmetic             formula                                                      derivative by each input (y is the value)
add          = elementwise("add",          lambda m, a, b: a + b,                     lambda m, a, b, y: 1,            lambda m, a, b, y: 1)
subtract     = elementwise("subtract",     lambda m, a, b: a - b,                     lambda m, a, b, y: 1,            lambda m, a, b, y: -1)
multiply     = elementwise("multiply",     lambda m, a, b: a * b,                     lambda m, a, b, y: b,            lambda m, a, b, y: a)
divide       = elementwise("divide",       lambda m, a, b: a / b,                     lambda m, a, b, y: 1 / b,        lambda m, a, b, y: -y / b,                    at="positive")
power        = elementwise("power",        lambda m, a, b: a ** b,                    lambda m, a, b, y: m.where(b == 0, 0 * a, b * a ** m.where(b == 0, 0 * b + 1, b - 1)), lambda m, a, b, y: m.where(a == 0, 0 * y, y * m.log(m.where(a == 0, 0 * a + 1, a))), at="positive")
floor_divide = elementwise("floor_divide", lambda m, a, b: a // b,                                                                                                   at="positive")
remainder    = elementwise("remainder",    lambda m, a, b: a % b,                     lambda m, a, b, y: 1,            lambda m, a, b, y: -m.floor(a / b),           at="positive")
negative     = elementwise("negative",     lambda m, x: -x,                           lambda m, x, y: -1)
positive     = elementwise("positive",     lambda m, x: +x,                           lambda m, x, y: 1)
reciprocal   = elementwise("reciprocal",   lambda m, x: 1 / x,                        lambda m, x, y: -y * y,          at="positive")
square       = elementwise("square",       lambda m, x: x * x,                        lambda m, x, y: 2 * x)
abs_         = elementwise("abs",          lambda m, x: m.abs(x),                     lambda m, x, y: m.sign(x),       at=("positive", "any"))
maximum      = elementwise("maximum",      lambda m, a, b: m.maximum(a, b),           lambda m, a, b, y: share(m, a > b, a == b, y), lambda m, a, b, y: share(m, b > a, a == b, y))
minimum      = elementwise("minimum",      lambda m, a, b: m.minimum(a, b),           lambda m, a, b, y: share(m, a < b, a == b, y), lambda m, a, b, y: share(m, b < a, a == b, y))
clip         = elementwise("clip",         lambda m, x, low, high: m.minimum(m.maximum(x, low), high), lambda m, x, low, high, y: (x >= low) & (x <= high), lambda m, x, low, high, y: (x < low) & (low <= high), lambda m, x, low, high, y: (x > high) | (low > high))
copysign     = elementwise("copysign",     lambda m, a, b: m.copysign(a, b),          lambda m, a, b, y: m.sign(a) * m.sign(y), None,                                at="positive")
hypot        = elementwise("hypot",        lambda m, a, b: m.hypot(a, b),             lambda m, a, b, y: a / y,        lambda m, a, b, y: b / y)
nextafter    = elementwise("nextafter",    lambda m, a, b: m.nextafter(a, b),         lambda m, a, b, y: 1,            None)

# rounding and signs: piecewise constant, no gradient
sign         = elementwise("sign",         lambda m, x: m.sign(x))
floor        = elementwise("floor",        lambda m, x: m.floor(x))
ceil         = elementwise("ceil",         lambda m, x: m.ceil(x))
trunc        = elementwise("trunc",        lambda m, x: m.trunc(x))
round_       = elementwise("round",        lambda m, x: m.round(x))

# powers, exponentials and logarithms
sqrt         = elementwise("sqrt",         lambda m, x: m.sqrt(x),                    lambda m, x, y: 0.5 / y,         at="positive")
rsqrt        = elementwise("rsqrt",        lambda m, x: 1 / m.sqrt(x),                lambda m, x, y: -0.5 * y * y * y, at="positive")
exp          = elementwise("exp",          lambda m, x: m.exp(x),                     lambda m, x, y: y)
expm1        = elementwise("expm1",        lambda m, x: m.expm1(x),                   lambda m, x, y: y + 1)
log          = elementwise("log",          lambda m, x: m.log(x),                     lambda m, x, y: 1 / x,           at="positive")
log1p        = elementwise("log1p",        lambda m, x: m.log1p(x),                   lambda m, x, y: 1 / (1 + x),     at="above minus one")
log2         = elementwise("log2",         lambda m, x: m.log2(x),                    lambda m, x, y: 1 / (x * LN2),   at="positive")
log10        = elementwise("log10",        lambda m, x: m.log10(x),                   lambda m, x, y: 1 / (x * LN10),  at="positive")
logaddexp    = elementwise("logaddexp",    lambda m, a, b: m.logaddexp(a, b),         lambda m, a, b, y: m.exp(a - y), lambda m, a, b, y: m.exp(b - y))

# trigonometric and hyperbolic
sin          = elementwise("sin",          lambda m, x: m.sin(x),                     lambda m, x, y: m.cos(x))
cos          = elementwise("cos",          lambda m, x: m.cos(x),                     lambda m, x, y: -m.sin(x))
tan          = elementwise("tan",          lambda m, x: m.tan(x),                     lambda m, x, y: 1 + y * y,       at="unit")
asin         = elementwise("asin",         lambda m, x: m.asin(x),                    lambda m, x, y: 1 / m.sqrt(1 - x * x),  at="unit")
acos         = elementwise("acos",         lambda m, x: m.acos(x),                    lambda m, x, y: -1 / m.sqrt(1 - x * x), at="unit")
atan         = elementwise("atan",         lambda m, x: m.atan(x),                    lambda m, x, y: 1 / (1 + x * x))
atan2        = elementwise("atan2",        lambda m, a, b: m.atan2(a, b),             lambda m, a, b, y: b / (a * a + b * b), lambda m, a, b, y: -a / (a * a + b * b), at="positive")
sinh         = elementwise("sinh",         lambda m, x: m.sinh(x),                    lambda m, x, y: m.cosh(x))
cosh         = elementwise("cosh",         lambda m, x: m.cosh(x),                    lambda m, x, y: m.sinh(x))
tanh         = elementwise("tanh",         lambda m, x: m.tanh(x),                    lambda m, x, y: 1 - y * y)
asinh        = elementwise("asinh",        lambda m, x: m.asinh(x),                   lambda m, x, y: 1 / m.sqrt(x * x + 1))
acosh        = elementwise("acosh",        lambda m, x: m.acosh(x),                   lambda m, x, y: 1 / m.sqrt(x * x - 1),  at="above one")
atanh        = elementwise("atanh",        lambda m, x: m.atanh(x),                   lambda m, x, y: 1 / (1 - x * x), at="unit")
erf          = elementwise("erf",          lambda m, x: m.erf(x),                     lambda m, x, y: TWO_OVER_SQRT_PI * m.exp(-x * x))

# activations
relu         = elementwise("relu",         lambda m, x: m.maximum(x, 0),              lambda m, x, y: y > 0,           at=("positive", "any"))
sigmoid      = elementwise("sigmoid",      lambda m, x: 1 / (1 + m.exp(-x)),          lambda m, x, y: y * (1 - y))
softplus     = elementwise("softplus",     lambda m, x: m.maximum(x, 0) + m.log1p(m.exp(-m.abs(x))), lambda m, x, y: m.sigmoid(x))
silu         = elementwise("silu",         lambda m, x: x / (1 + m.exp(-x)),          lambda m, x, y: m.sigmoid(x) * (1 + x - y))
gelu         = elementwise("gelu",         lambda m, x: 0.5 * x * (1 + m.erf(x * SQRT_HALF)), lambda m, x, y: 0.5 * (1 + m.erf(x * SQRT_HALF)) + x * m.exp(-0.5 * x * x) * INVERSE_SQRT_TWO_PI)

# comparisons and logic: no gradient
equal         = elementwise("equal",         lambda m, a, b: a == b,                  at=("any", "integers"))
not_equal     = elementwise("not_equal",     lambda m, a, b: a != b,                  at=("any", "integers"))
less          = elementwise("less",          lambda m, a, b: a < b,                   at=("any", "integers"))
less_equal    = elementwise("less_equal",    lambda m, a, b: a <= b,                  at=("any", "integers"))
greater       = elementwise("greater",       lambda m, a, b: a > b,                   at=("any", "integers"))
greater_equal = elementwise("greater_equal", lambda m, a, b: a >= b,                  at=("any", "integers"))
logical_and   = elementwise("logical_and",   lambda m, a, b: m.logical_and(a, b),     at=("any", "integers"))
logical_or    = elementwise("logical_or",    lambda m, a, b: m.logical_or(a, b),      at=("any", "integers"))
logical_xor   = elementwise("logical_xor",   lambda m, a, b: m.logical_xor(a, b),     at=("any", "integers"))
logical_not   = elementwise("logical_not",   lambda m, x: m.logical_not(x),           at=("any", "integers"))
isfinite      = elementwise("isfinite",      lambda m, x: m.isfinite(x))
isinf         = elementwise("isinf",         lambda m, x: m.isinf(x))
isnan         = elementwise("isnan",         lambda m, x: m.isnan(x))
signbit       = elementwise("signbit",       lambda m, x: m.signbit(x))

# bits of integers and booleans
bitwise_and   = elementwise("bitwise_and",   lambda m, a, b: a & b,                   at="integers")
bitwise_or    = elementwise("bitwise_or",    lambda m, a, b: a | b,                   at="integers")
bitwise_xor   = elementwise("bitwise_xor",   lambda m, a, b: a ^ b,                   at="integers")
bitwise_not   = elementwise("bitwise_not",   lambda m, x: ~x,                         at="integers")
left_shift    = elementwise("left_shift",    lambda m, a, b: a << b,                  at="shifts")
right_shift   = elementwise("right_shift",   lambda m, a, b: a >> b,                  at="shifts")

# choice
where         = elementwise("where",         lambda m, c, a, b: m.where(c, a, b),     at=("any", "integers"))
# fmt: on

INTEGER_ONLY = frozenset(
    (bitwise_and, bitwise_or, bitwise_xor, bitwise_not, left_shift, right_shift)
)


def share(m: Any, wins: Any, ties: Any, y: Any) -> Any:
    """1 where this argument wins, ½ where both are equal, 0 elsewhere, in the data type of y."""
    return m.cast(wins, y.dtype) + 0.5 * m.cast(ties, y.dtype)


@where.local_gradient
def _(m: Any, g: Any, y: Any, c: Any, a: Any, b: Any) -> tuple[Any, ...]:
    # A choice, not a product: 0 · inf would turn the branch not taken into NaN.
    return (
        None,
        m.sum_to(m.where(c, g, 0.0), a.shape),
        m.sum_to(m.where(c, 0.0, g), b.shape),
    )


cast = declare(
    Operation(
        name="cast",
        value=lambda x, *, dtype: np.asarray(x).astype(dtype),
        type_rule=lambda x, *, dtype: ArrayType(x.shape, np.dtype(dtype)),
        pullback=lambda m, g, y, x, *, dtype: (m.cast(g, x.dtype),),
        family="elementwise",
        formula=lambda m, x, *, dtype: m.cast(x, dtype),
        examples=(
            Example(((3, 4),), {"dtype": np.dtype(np.float32)}),
            Example(((3, 4),), {"dtype": np.dtype(np.int64)}, "integers"),
            Example(((3, 4),), {"dtype": np.dtype(bool)}),
        ),
    )
)
