"""Operations whose value is their input, and that differ in what they do to the gradient."""

from collections.abc import Callable
from typing import Any

from gradiente.base.types import ArrayType
from gradiente.ops.operation import example, operation


@operation(example((3, 4)), example(()))
def identity(x: Any) -> Any:
    """y = x                                 x̄ = ḡ      (marks what a gradient is taken of)"""
    return x


@identity.local_gradient
def _(m: Any, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    return (g,)


@operation(example((3, 4)))
def stop_gradient(x: Any) -> Any:
    """y = x                                 no gradient: x counts as a constant"""
    return x


for _same in (identity, stop_gradient):

    @_same.type
    def _(x: ArrayType) -> ArrayType:
        return x


@operation()
def custom_gradient(y: Any, *inputs: Any, rule: Callable[..., Any]) -> Any:
    """y, computed from inputs; their gradients are what `rule(m, ḡ)` says, not y's own."""
    return y


@custom_gradient.type
def _(y: ArrayType, *inputs: ArrayType, rule: Callable[..., Any]) -> ArrayType:
    return y


@custom_gradient.local_gradient
def _(m: Any, g: Any, y: Any, *inputs: Any, rule: Callable[..., Any]) -> tuple[Any, ...]:
    return None, *rule(m, g)
