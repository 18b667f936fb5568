"""Where the arrays of a network hang: in attributes of modules, and in lists and dicts there."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.errors import TypeMismatchError
from gradiente.trace.functions import Tensor

Container = Any  # a list, a dict, or the __dict__ of a module


def _references(container: Container, name: Any) -> int:
    """How many references there are to what is in an entry of a container."""
    return sys.getrefcount(container[name])


ONE_REFERENCE = _references({"one": np.zeros(1)}, "one")  # some interpreters count this question


@dataclass(frozen=True)
class Place:
    """One entry of a container."""

    container: Container
    name: Any

    @property
    def value(self) -> Any:
        """What is there now."""
        return self.container[self.name]

    def fill(self, value: Any) -> None:
        """Put something else there."""
        self.container[self.name] = value


@dataclass
class Slot:
    """One parameter or buffer: its path and every place that shares it.

    module: the module it belongs to; name: its path within that module, `weight` or `weights.0`.
    """

    path: str
    module: Any
    name: str
    places: list[Place]
    is_parameter: bool
    frozen: bool

    @property
    def value(self) -> Any:
        """The array, or during a trace the Tensor, in it."""
        return self.places[0].value

    def fill(self, value: Any) -> None:
        """Set it in every place."""
        for place in self.places:
            place.fill(value)

    def fill_with_copy(self, value: np.ndarray) -> None:
        """Set a copy in every place: in the memory of the array there, if nobody else holds that.

        New memory costs several times what copying does, when an array is large.
        """
        old = self.places[0]
        container, name = old.container, old.name
        unseen = _references(container, name) < ONE_REFERENCE + len(self.places)
        if unseen and _takes(container[name], value):
            np.copyto(container[name], value)
        else:
            self.fill(np.array(value))


def _takes(array: Any, value: np.ndarray) -> bool:
    """True if a value can be copied into the memory of an array as it would lie in new memory."""
    return (
        type(array) is np.ndarray
        and (array.shape, array.dtype) == (value.shape, value.dtype)
        and array.flags.owndata
        and array.flags.writeable
        and array.flags.c_contiguous
    )


def joined(prefix: str, name: Any) -> str:
    """The path of something called `name` inside what is at `prefix`."""
    return f"{prefix}.{name}" if prefix else str(name)


def holds_numbers(value: Any) -> bool:
    """True for arrays of numbers or booleans, symbolic ones too."""
    return isinstance(value, Tensor) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    )


def places_at(container: Container, name: Any, path: str) -> Iterator[tuple[str, Place]]:
    """The array at one entry of a container, or all arrays in lists and dicts there, by path.

    Raises `TypeMismatchError` for arrays in a tuple, which could not be replaced by trained ones.
    """
    value = container[name]
    if holds_numbers(value):
        yield path, Place(container, name)
    elif isinstance(value, list | dict):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield from places_at(value, key, joined(path, key))
    elif isinstance(value, tuple) and any(map(holds_numbers, value)):
        raise TypeMismatchError(
            f"`{path}` is a tuple of arrays, which cannot be trained because tuples do not change: "
            "make it a list, or begin its name with `_` if these are constants."
        )


def containers_in(attributes: dict[str, Any]) -> Iterator[Container]:
    """The attributes themselves, and every list and dict in them."""
    yield attributes
    for value in attributes.values():
        yield from _lists_and_dicts(value)


def _lists_and_dicts(value: Any) -> Iterator[Container]:
    if isinstance(value, list | dict):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _lists_and_dicts(inner)


class Snapshot:
    """What containers held, to be put back where symbols have been left in them since."""

    def __init__(self, containers: Iterable[Container]):
        self._before = [(each, each.copy()) for each in containers]

    def restore(self) -> None:
        """Take out every symbol that was not there before."""
        for container, before in self._before:
            if isinstance(container, list):
                if _left_over(container, before):
                    container[:] = before
                continue
            for name in [name for name, value in container.items() if _is_symbolic(value)]:
                if name not in before:
                    del container[name]
                elif container[name] is not before[name]:
                    container[name] = before[name]


def _left_over(values: list[Any], before: list[Any]) -> bool:
    known = {id(value) for value in before}
    return any(_is_symbolic(value) and id(value) not in known for value in values)


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_symbolic, value))
    if isinstance(value, dict):
        return any(map(_is_symbolic, value.values()))
    return isinstance(value, Tensor)
