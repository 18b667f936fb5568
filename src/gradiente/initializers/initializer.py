"""What an initializer is: the first values of a parameter as a pure function of a key."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.base.registry import enter, find
from gradiente.trace.random import key as key_of

Array = Any
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Initializer:
    """First values of a parameter: `he_normal(key, shape, dtype)` is an array.

    The same key, shape and data type give the same bits; the key is one of `gradiente.random.key`.
    With options only it is the initializer with these options: `he_normal(negative_slope=0.1)`.
    Anywhere an initializer is asked for, any function (key, shape, dtype) -> array will do.
    """

    name: str
    draw: Callable[..., Array]
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self, key: Any = None, shape: Shape = (), dtype: Any = np.float32, **options: Any
    ) -> Any:
        """An array of this shape and data type; without a key, the initializer with the options."""
        if key is None:
            return self._with(options)
        shape = tuple(int(length) for length in shape)
        wide = np.promote_types(dtype, np.float32)  # float16 is too coarse to draw random bits in
        values = self.draw(key, shape, wide, **self.options, **options)
        return values if values.dtype == dtype else values.astype(dtype)

    def _with(self, options: dict[str, Any]) -> "Initializer":
        known = list(inspect.signature(self.draw).parameters)[3:]
        for option in options:
            if option not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise InvalidArgumentError(f"`{self.name}` has no option `{option}`: {takes}.")
        changed = Initializer(self.name, self.draw, {**self.options, **options})
        changed(key_of(0), (1, 1))  # a value that makes no sense shows here, not in a layer
        return changed

    def __reduce__(self) -> Any:
        """A copy, or what a pickle makes, is the declared one by its name, with the options."""
        declared = INITIALIZERS.get(self.name)
        if declared is None or (isinstance(declared, Initializer) and declared.draw != self.draw):
            return Initializer, (self.name, self.draw, self.options)
        return _named, (self.name, self.options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({options})" if options else self.name


INITIALIZERS: dict[str, Initializer | Callable[..., Initializer]] = {}
"""Every initializer by name; `constant`, which needs a value, is a function of it."""


def _named(name: str, options: dict[str, Any]) -> Any:
    """The declared initializer of a name with other options."""
    declared = INITIALIZERS[name]
    return declared(**options) if options else declared


def declare(draw: Callable[..., Array]) -> Initializer:
    """Declare an initializer: the decorated function is `draw(key, shape, dtype, *, options)`."""
    made = Initializer(draw.__name__, draw)
    object.__setattr__(made, "__doc__", draw.__doc__)  # so that help() shows the equation
    enter(INITIALIZERS, "an initializer", made.name, made)
    return made


def find_initializer(name: str) -> Any:
    """The initializer called `name`, in any case; raises `UnknownNameError` listing all."""
    return find(INITIALIZERS, "an initializer", name)
