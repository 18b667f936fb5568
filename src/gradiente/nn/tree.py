"""Modules as trees: their leaves are the trainable parameters.

`gd.grad(loss)(network, x)` is a network whose parameters are gradients, and functions of trees work
on it: `map_tree(lambda p, g: p - 0.1 * g, network, gradients)` is the network after a step.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.base.trees import Container, register
from gradiente.nn.module import Module
from gradiente.nn.slots import Slot, holds_numbers

ORIGINS = ("_origin", "_made_with")  # tell where a module comes from, not what it computes
VALUES = (bool, int, float, complex, str, bytes, frozenset, np.generic, type(None))


@dataclass(frozen=True, eq=False)
class Same:
    """Equal only to itself: an object compared by what it is, not by what it contains."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.thing is self.thing

    def __hash__(self) -> int:
        return id(self.thing)


def configuration(network: Module) -> tuple[Any, ...]:
    """What else than its arrays determines what a network computes, to be compared with `==`.

    Numbers, texts, functions and the kinds of the layers; arrays in private attributes count, as
    those are constants of everything compiled.
    """
    return tuple(
        (path, type(module), *_settings(module)) for path, module in network.modules().items()
    )


def _settings(module: Module) -> tuple[Any, ...]:
    return tuple(
        (name, _comparable(value, name.startswith("_")))
        for name, value in module.__dict__.items()
        if name not in ORIGINS
    )


def _comparable(value: Any, private: bool) -> Any:
    if isinstance(value, VALUES):
        return value
    if isinstance(value, list | tuple):
        return tuple(_comparable(each, private) for each in value)
    if isinstance(value, dict):
        return tuple((name, _comparable(each, private)) for name, each in value.items())
    if not private and (isinstance(value, Module) or holds_numbers(value)):
        return None
    return Same(value)


class Blueprint:
    """What rebuilds a module around other leaves; equal for a module and its rebuilt copies.

    Everything that is not a leaf counts: settings, buffers and frozen parameters are constants of
    whatever was compiled for them.
    """

    def __init__(self, module: Module):
        self.module = module
        self.origin = _origin(module)
        constants = [Same(slot.value) for slot in module.slots() if not _is_leaf(slot)]
        self.constants = (configuration(module), constants)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Blueprint)
            and other.origin is self.origin
            and other.constants == self.constants
        )

    def __hash__(self) -> int:
        return id(self.origin)


def _origin(module: Module) -> Module:
    """The module that a rebuilt copy goes back to; an original is its own."""
    return module if module._origin is None else module._origin


def _is_leaf(slot: Slot) -> bool:
    return slot.is_parameter and not slot.frozen


def _open(module: Module) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    trainable = [slot for slot in module.slots() if _is_leaf(slot)]
    return tuple(slot.path for slot in trainable), tuple(slot.value for slot in trainable)


def _build(blueprint: Blueprint, names: tuple[str, ...], children: tuple[Any, ...]) -> Module:
    """A copy of the module in which only the leaves are other objects."""
    leaves = dict(zip(names, children, strict=True))
    memo: dict[int, Any] = {}
    for slot in blueprint.module.slots():
        leaf = leaves.get(slot.path, slot.value)
        # A number without axes comes back from a computation as a scalar, which is no parameter.
        memo[id(slot.value)] = np.asarray(leaf) if isinstance(leaf, np.generic) else leaf
    return _copied(blueprint.module, memo)


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """Copies of modules, lists, tuples and dicts, with what the memo says in place of arrays."""
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, Module):
        copy = memo[id(value)] = object.__new__(type(value))
        copy.__dict__.update(
            {name: _copied(v, memo) for name, v in value.__dict__.items() if name not in ORIGINS}
        )
        copy._origin = _origin(value)
        copy.__dict__["_made_with"] = value._made_with
        return copy
    if type(value) is dict:
        memo[id(value)] = {name: _copied(each, memo) for name, each in value.items()}
    elif type(value) in (list, tuple):
        memo[id(value)] = type(value)(_copied(each, memo) for each in value)
    else:
        return value
    return memo[id(value)]


register(Module, Container(open=_open, build=_build, describe=Blueprint))
