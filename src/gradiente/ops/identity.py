"""Operations whose value is their input, and that differ in what they do to the gradient."""

from collections.abc import Callable
from typing import Any, Protocol

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


@operation(example((3, 4), (2,)), example((3,), [1, 2]))
def after(x: Any, g: Any) -> Any:
    """y = x, but not to be used before g is known      x̄ = ḡ

    What is computed from it is not what was computed from x before: it is computed again, late.
    """
    return x


@after.type
def _(x: ArrayType, g: ArrayType) -> ArrayType:
    return x


@after.local_gradient
def _(m: Any, g: Any, y: Any, x: Any, late: Any) -> tuple[Any, ...]:
    return g, None


class Recomputation(Protocol):
    """What is known of a value of which nothing between it and its inputs is kept."""

    def pullback(self, g: Any, inputs: tuple[Any, ...]) -> list[Any]:
        """One gradient, or `None`, for each input, from values computed again."""

    def replayed(self, inputs: tuple[Any, ...]) -> Any:
        """The same of other inputs, which may stand for many samples."""


@operation()
def checkpoint(y: Any, *inputs: Any, body: Recomputation) -> Any:
    """y, computed from inputs; for the gradient everything between them is computed again."""
    return y


@checkpoint.type
def _(y: ArrayType, *inputs: ArrayType, body: Recomputation) -> ArrayType:
    return y


@checkpoint.local_gradient
def _(m: Any, g: Any, value: Any, y: Any, *inputs: Any, body: Recomputation) -> tuple[Any, ...]:
    return None, *body.pullback(g, inputs)
