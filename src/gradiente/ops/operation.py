"""What an operation is, and the registry of all of them.

An operation is declared once: its value (NumPy), its type, its local gradient. Every backend, every
gradient and every test reads this record.

A *local gradient* (`pullback`) answers: given g, the gradient of the loss with respect to the value
y, what are the gradients with respect to the inputs? It is written with the words of `m` and
ordinary operators, so that it runs on arrays, and on traced values to any order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gradiente.base.errors import GradienteError
from gradiente.base.types import ArrayType


@dataclass(frozen=True)
class Example:
    """Inputs an operation can be tried with: shapes (or arrays) and static parameters.

    domain: where floating values are drawn from, as an interval, or a name of `DOMAINS`.
    """

    inputs: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    domain: str = "any"


@dataclass(eq=False)
class Operation:
    """One operation of the language that graphs are written in.

    name: the word used in printing and in tables.
    value: what it means, in NumPy: `value(*arrays, **params) -> array`.
    type_rule: the type of the value: `type_rule(*types, **params) -> ArrayType`.
    pullback: the local gradient: `pullback(m, g, y, *inputs, **params)` gives one gradient, or
        `None`, for each input. `None` in its place: the value is piecewise constant.
    family: `"elementwise"`, `"structural"` or `"composite"`.
    formula: elementwise only, run by every backend: `formula(m, *inputs)`.
    body: composite only, written with other operations: `body(m, *inputs, **params)`.
    examples: inputs to try it with, for the law tests and the documentation.
    """

    name: str
    value: Callable[..., Any]
    type_rule: Callable[..., ArrayType]
    pullback: Callable[..., tuple[Any, ...]] | None = None
    family: str = "structural"
    formula: Callable[..., Any] | None = None
    body: Callable[..., Any] | None = None
    examples: tuple[Example, ...] = ()
    summary: str = ""

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def type(self, rule: Callable[..., ArrayType]) -> Callable[..., ArrayType]:
        """Declare the type rule (a decorator)."""
        self.type_rule = rule
        return rule

    def local_gradient(self, rule: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
        """Declare the local gradient (a decorator)."""
        self.pullback = rule
        return rule


OPERATIONS: dict[str, Operation] = {}


def declare(operation: Operation) -> Operation:
    """Enter an operation into the registry. A name declared twice is a defect."""
    if operation.name in OPERATIONS:
        raise GradienteError(f"the operation `{operation.name}` is declared twice.")
    OPERATIONS[operation.name] = operation
    return operation


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip()


def _no_type_rule(*types: ArrayType, **params: Any) -> ArrayType:
    raise GradienteError("this operation was declared without a type rule.")


def operation(*examples: Example) -> Callable[[Callable[..., Any]], Operation]:
    """Declare a structural operation: the decorated function is its value in NumPy."""

    def decorate(value: Callable[..., Any]) -> Operation:
        return declare(
            Operation(
                name=value.__name__.rstrip("_"),
                value=value,
                type_rule=_no_type_rule,
                examples=examples,
                summary=_first_line(value),
            )
        )

    return decorate


def example(*inputs: Any, domain: str = "any", **params: Any) -> Example:
    """Inputs to try an operation with: a tuple is a shape of random values, a list an array."""
    return Example(tuple(inputs), params, domain)


def draw(
    sample: Example, random: "np.random.Generator", dtype: Any = np.float64
) -> list[np.ndarray]:
    """The arrays an example stands for: shapes become random values of its domain."""
    low, high = DOMAINS[sample.domain]
    kind = np.dtype(dtype).kind
    drawn = []
    for item in sample.inputs:
        if not isinstance(item, tuple):
            drawn.append(np.asarray(item))
            continue
        values = np.asarray(random.uniform(max(low, 0) if kind == "u" else low, high, item))
        drawn.append(values > (low + high) / 2 if kind == "b" else values.astype(dtype))
    return drawn


# Where functions may be sampled, away from their poles and kinks.
DOMAINS: dict[str, tuple[float, float]] = {
    "any": (-2.0, 2.0),
    "positive": (0.3, 3.0),
    "above one": (1.2, 4.0),
    "unit": (-0.9, 0.9),
    "above minus one": (-0.7, 3.0),
    "integers": (0, 9),
    "shifts": (0, 5),
}


def promote(*types: ArrayType) -> np.dtype:
    """The data type NumPy gives to a mixture of these types."""
    return np.result_type(*(item.dtype for item in types))


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of arrays that meet elementwise (NumPy's rule); ValueError if none."""
    return np.broadcast_shapes(*shapes)
