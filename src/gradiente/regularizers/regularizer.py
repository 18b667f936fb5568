"""What a regularizer is: a pure function of one array, whose value is added to the loss.

`Trainer(..., regularizers={"*.weight": L2(1e-4)})` applies it to parameters, the layer
`nn.ActivityRegularization` to what passes through. Any function of an array that returns one
floating-point number can stand in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gradiente.base.registry import enter, find

Array = Any


@dataclass(frozen=True, repr=False)
class Regularizer:
    """A penalty: `L2(0.01)(parameter)` is a number, in the data type of the parameter.

    Half-precision parameters are added up in float32. function: from the parameter to the penalty;
    options: the arguments it was made with; two of the same name and options are equal.
    """

    name: str
    function: Callable[[Array], Array] = field(compare=False)
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __call__(self, parameter: Array) -> Array:
        """The penalty of an array, a scalar."""
        return self.function(parameter)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({arguments})"


REGULARIZERS: dict[str, Callable[..., Regularizer]] = {}
"""Every regularizer by its name in lower case: `REGULARIZERS["l2"](1e-4)`."""


def declare(factory: Callable[..., Regularizer]) -> Callable[..., Regularizer]:
    """Enter a factory into `REGULARIZERS` under its own name in lower case (a decorator)."""
    enter(REGULARIZERS, "a regularizer", factory.__name__.lower(), factory)
    return factory


def find_regularizer(name: str) -> Callable[..., Regularizer]:
    """The factory called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(REGULARIZERS, "a regularizer", name)
