"""What a constraint is: a projection of one parameter, applied after every update.

`Trainer(..., constraints={"*.weight": MaxNorm(3.0)})` applies it. Any function of an array that
returns one of the same shape can stand in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gradiente.base.registry import enter, find

Array = Any


@dataclass(frozen=True, repr=False)
class Constraint:
    """A projection: `NonNegative()(parameter)` is the nearest array without negative numbers.

    It has the data type of the parameter. function: from the parameter to the array; options: the
    arguments it was made with; two of the same name and options are equal.
    """

    name: str
    function: Callable[[Array], Array] = field(compare=False)
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __call__(self, parameter: Array) -> Array:
        """The parameter where it has to be."""
        return self.function(parameter)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({arguments})"


CONSTRAINTS: dict[str, Callable[..., Constraint]] = {}
"""Every constraint by its name in lower case: `CONSTRAINTS["maxnorm"](3.0)`."""


def declare(factory: Callable[..., Constraint]) -> Callable[..., Constraint]:
    """Enter a factory into `CONSTRAINTS` under its own name in lower case (a decorator)."""
    enter(CONSTRAINTS, "a constraint", factory.__name__.lower(), factory)
    return factory


def find_constraint(name: str) -> Callable[..., Constraint]:
    """The factory called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(CONSTRAINTS, "a constraint", name)
