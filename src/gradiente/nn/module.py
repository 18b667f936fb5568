"""The base of layers and networks: attributes are parameters, buffers and submodules.

A module is an ordinary Python object. Its floating-point arrays are parameters, arrays marked with
`buffer` (and integer arrays) are buffers, modules in attributes, lists and dicts are submodules.
Everything is named by its path: `hidden.weight`, `layers.0.bias`. An array, or a module, found in
two places is shared: it has one value and one gradient.
"""

import copy
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError, ShapeError, UnknownNameError
from gradiente.base.source import inside_layer
from gradiente.base.trees import Container, map_tree, register
from gradiente.base.types import type_of
from gradiente.graph.node import Node
from gradiente.nn.context import Context, current, running
from gradiente.trace.functions import Tensor
from gradiente.trace.random import fold_in, key

Initializer = Callable[[Any, tuple[int, ...], Any], np.ndarray]


@dataclass
class Place:
    """Where an array hangs in a module: an attribute, or an entry of a list or dict."""

    owner: Any
    name: Any

    def get(self) -> Any:
        """The array now."""
        if isinstance(self.owner, Module):
            return self.owner.__dict__[self.name]
        return self.owner[self.name]

    def set(self, value: Any) -> None:
        """Put another array in its place."""
        if isinstance(self.owner, Module):
            self.owner.__dict__[self.name] = value
        else:
            self.owner[self.name] = value


@dataclass
class Slot:
    """One parameter or buffer: its path and every place that shares it."""

    path: str
    places: list[Place]
    is_parameter: bool
    frozen: bool

    @property
    def value(self) -> Any:
        """The array, or during a trace the Tensor, in it."""
        return self.places[0].get()

    def fill(self, value: Any) -> None:
        """Set it in every place."""
        for place in self.places:
            place.set(value)


def _joined(prefix: str, name: Any) -> str:
    return f"{prefix}.{name}" if prefix else str(name)


def _contents(value: Any) -> Iterator[tuple[Any, Any]]:
    """Names and values directly inside a module, list, tuple or dict."""
    if isinstance(value, Module):
        yield from ((n, v) for n, v in value.__dict__.items() if not n.startswith("_"))
    elif isinstance(value, dict):
        yield from value.items()
    else:
        yield from enumerate(value)


def _entered(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let the run know which module is at work, and start a run if there is none."""

    @wraps(call)
    def entered(self: "Module", *args: Any, **kwargs: Any) -> Any:
        context = current()
        if context is None:
            with running(Context(paths=self.module_paths())):
                return entered(self, *args, **kwargs)
        path = context.paths.get(id(self), type(self).__name__)
        with inside_layer(path or type(self).__name__):
            result = call(self, *args, **kwargs)
        context.calls.append((path, self, result))
        return result

    return entered


class Module:
    """A layer or a network: subclass it, set attributes in `__init__`, compute in `__call__`.

        class Net(nn.Module):
            def __init__(self):
                self.hidden, self.out = nn.Dense(256), nn.Dense(10)
            def __call__(self, x):
                return self.out(nn.relu(self.hidden(x)))

    `__init__` of this class takes nothing and need not be called.
    """

    _buffers: frozenset[str] = frozenset()
    _frozen: frozenset[str] = frozenset()
    _origin: "Module | None" = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__call__" in cls.__dict__:
            cls.__call__ = _entered(cls.__dict__["__call__"])  # type: ignore[method-assign]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")

    # -- for authors of layers -------------------------------------------------------------------

    def parameter(
        self, name: str, shape: tuple[int, ...], initializer: Initializer, dtype: Any = np.float32
    ) -> Any:
        """The parameter of this name, created on first use from (seed, path).

        Raises `ShapeError` if it exists with another shape: the layer was first used on other data.
        """
        existing = self.__dict__.get(name)
        if existing is None:
            context = current() or Context()
            path = _joined(context.paths.get(id(self), ""), name)
            stream = fold_in(key(context.seed), zlib.crc32(path.encode()))
            existing = np.asarray(initializer(stream, shape, np.dtype(dtype)))
            self.__dict__[name] = existing
        if tuple(existing.shape) != shape:
            raise ShapeError(
                f"`{name}` of {type(self).__name__} has shape {tuple(existing.shape)}, but this "
                f"input needs {shape}; a layer keeps the input size it was first used with."
            )
        return existing

    def buffer(self, name: str, value: np.ndarray) -> Any:
        """An array that is saved with the module but not trained, created on first use.

        Assign a new value to the attribute in `__call__` to update it.
        """
        if self.__dict__.get(name) is None:
            self._buffers = self._buffers | {name}
            self.__dict__[name] = value
        return self.__dict__[name]

    # -- what it consists of ---------------------------------------------------------------------

    def modules(self) -> dict[str, "Module"]:
        """This module (path "") and all below it, by path; shared ones under their first path."""
        found: dict[str, Module] = {}
        seen: set[int] = set()

        def visit(value: Any, path: str) -> None:
            if isinstance(value, Module):
                if id(value) in seen:
                    return
                seen.add(id(value))
                found[path] = value
            elif not isinstance(value, list | tuple | dict):
                return
            for name, child in _contents(value):
                visit(child, _joined(path, name))

        visit(self, "")
        return found

    def module_paths(self) -> dict[int, str]:
        """The path of every module, by identity."""
        return {id(module): path for path, module in self.modules().items()}

    def slots(self) -> list[Slot]:
        """Every parameter and buffer once, with all the places that share it."""
        by_array: dict[int, Slot] = {}

        def collect(owner: Any, path: str, module: Module) -> None:
            for name, value in _contents(owner):
                if isinstance(value, np.ndarray | Tensor):
                    place = Place(owner, name)
                    known = by_array.get(id(value))
                    if known is not None:
                        known.places.append(place)
                        continue
                    attribute = path_in(owner, module, name)
                    trainable = value.dtype.kind == "f" and attribute not in module._buffers
                    frozen = attribute in module._frozen
                    by_array[id(value)] = Slot(_joined(path, name), [place], trainable, frozen)
                elif isinstance(value, list | dict) and not _holds_modules(value):
                    collect(value, _joined(path, name), module)

        def path_in(owner: Any, module: Module, name: Any) -> str:
            return name if owner is module else ""

        for path, module in self.modules().items():
            collect(module, path, module)
        return list(by_array.values())

    def parameters(self, trainable: bool | None = None) -> dict[str, np.ndarray]:
        """All parameters by path; only the trainable, or only the frozen ones, if asked."""
        return {
            slot.path: slot.value
            for slot in self.slots()
            if slot.is_parameter and (trainable is None or slot.frozen != trainable)
        }

    def buffers(self) -> dict[str, np.ndarray]:
        """All buffers by path."""
        return {slot.path: slot.value for slot in self.slots() if not slot.is_parameter}

    def state(self) -> dict[str, np.ndarray]:
        """Parameters and buffers by path: all there is to save."""
        return {slot.path: slot.value for slot in self.slots()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Set parameters and buffers by path. Layers not yet used take theirs on trust.

        Raises `UnknownNameError` for missing or surplus paths, `ShapeError` for other shapes.
        """
        known = {slot.path: slot for slot in self.slots()}
        for path, value in state.items():
            if path in known and known[path].value.shape != value.shape:
                raise ShapeError(
                    f"`{path}` has shape {known[path].value.shape}, the state {value.shape}."
                )
        missing = sorted(set(known) - set(state))
        if missing:
            raise UnknownNameError(f"the state lacks {', '.join(missing)}.")
        modules = self.modules()
        for path, value in state.items():
            if path in known:
                known[path].fill(np.array(value))
                continue
            owner, _, name = path.rpartition(".")
            if owner not in modules or name not in modules[owner].__dict__:
                raise UnknownNameError(
                    f"the network has no `{path}`; it has: {', '.join(sorted(known)) or 'nothing'}."
                )
            modules[owner].adopt(name, np.array(value))

    def adopt(self, name: str, value: np.ndarray) -> None:
        """Take an array for a slot that has not been filled by a first use."""
        if name in getattr(self, "buffer_names", ()):
            self._buffers = self._buffers | {name}
        self.__dict__[name] = value

    @property
    def count(self) -> int:
        """The number of trained numbers: the sizes of all parameters."""
        return sum(value.size for value in self.parameters().values())

    # -- freezing --------------------------------------------------------------------------------

    def freeze(self, *patterns: str) -> "Module":
        """Stop training the parameters whose path matches a pattern (`hidden.*`); all by default."""
        return self._set_frozen(patterns, True)

    def unfreeze(self, *patterns: str) -> "Module":
        """Train them again."""
        return self._set_frozen(patterns, False)

    def _set_frozen(self, patterns: tuple[str, ...], frozen: bool) -> "Module":
        matched = False
        for slot in self.slots():
            wanted = not patterns or any(fnmatchcase(slot.path, p) for p in patterns)
            place = slot.places[0]
            if not (slot.is_parameter and wanted and isinstance(place.owner, Module)):
                continue
            matched = True
            names = place.owner._frozen
            place.owner._frozen = names | {place.name} if frozen else names - {place.name}
        if patterns and not matched:
            raise InvalidArgumentError(
                f"no parameter matches {', '.join(patterns)}; there are: "
                f"{', '.join(self.parameters()) or 'none yet (run the network once)'}."
            )
        return self

    # -- running ---------------------------------------------------------------------------------

    def initialize(self, *inputs: Any, seed: int = 0) -> "Module":
        """Create all parameters for inputs of these shapes, without computing anything.

        inputs: arrays, or trees of them; the parameters are a function of (seed, path).
        """
        self.rehearse(*inputs, seed=seed)
        return self

    def rehearse(self, *inputs: Any, seed: int = 0) -> Context:
        """Run on symbols of the shapes of these inputs; what was called stands in the context."""
        context = Context(seed=seed, paths=self.module_paths())
        with running(context), self.preserved_buffers():
            self(*map_tree(_symbol, inputs))
        return context

    @contextmanager
    def preserved_buffers(self) -> Iterator[None]:
        """Undo assignments to buffers made inside, whose values may be symbols."""
        before = [(place, slot.value) for slot in self.slots() for place in slot.places]
        try:
            yield
        finally:
            for place, value in before:
                place.set(value)

    @contextmanager
    def bound(self, state: dict[str, Any]) -> Iterator[list[Slot]]:
        """Run the network with other values, Tensors for example, in its slots."""
        slots = self.slots()
        before = [slot.value for slot in slots]
        try:
            for slot in slots:
                if slot.path in state:
                    slot.fill(state[slot.path])
            yield slots
        finally:
            for slot, value in zip(slots, before, strict=True):
                slot.fill(value)

    def __repr__(self) -> str:
        children = ", ".join(
            f"{name}={_short(value)}"
            for name, value in _contents(self)
            if isinstance(value, Module | list) and value
        )
        return f"{type(self).__name__}({children})"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return repr(value) if isinstance(value, Module) else getattr(value, "__name__", repr(value))


def _holds_modules(value: Any) -> bool:
    return any(isinstance(child, Module) for _, child in _contents(value))


def _symbol(x: Any) -> Tensor:
    return Tensor(Node(None, (), {}, type_of(x), name="x"))


# -- modules as trees: their leaves are the trainable parameters ---------------------------------


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What rebuilds a module around other leaves; equal for a module and its rebuilt copies."""

    module: Module

    @property
    def origin(self) -> Module:
        """The module the copies go back to."""
        return self.module._origin or self.module

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blueprint) and other.origin is self.origin

    def __hash__(self) -> int:
        return id(self.origin)


def _open(module: Module) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    trainable = [slot for slot in module.slots() if slot.is_parameter and not slot.frozen]
    return tuple(slot.path for slot in trainable), tuple(slot.value for slot in trainable)


def _build(blueprint: Blueprint, names: tuple[str, ...], children: tuple[Any, ...]) -> Module:
    """A copy of the module in which only the leaves are other objects."""
    replaced = dict(zip(names, children, strict=True))
    memo: dict[int, Any] = {}
    for slot in blueprint.module.slots():
        memo[id(slot.value)] = replaced.get(slot.path, slot.value)
    if blueprint.module._origin is not None:
        memo[id(blueprint.origin)] = blueprint.origin
    rebuilt = copy.deepcopy(blueprint.module, memo)
    rebuilt._origin = blueprint.origin
    return rebuilt


register(Module, Container(open=_open, build=_build, describe=Blueprint))
