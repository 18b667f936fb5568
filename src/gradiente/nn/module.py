"""The base of layers and networks: attributes are parameters, buffers and submodules.

A module is an ordinary Python object. Its floating-point arrays are parameters, arrays marked with
`buffer` (and integer arrays) are buffers, modules in attributes, lists and dicts are submodules.
Everything is named by its path: `hidden.weight`, `layers.0.bias`. An array, or a module, found in
two places is shared: it has one value and one gradient. Attributes whose name begins with `_` are
private: what they hold is neither trained nor saved.
"""

import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import wraps
from reprlib import recursive_repr
from threading import RLock
from typing import Any, Self

import numpy as np

from gradiente.base.errors import (
    GradienteError,
    InvalidArgumentError,
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
)
from gradiente.base.source import current_source, inside_layer
from gradiente.base.trees import map_tree
from gradiente.base.types import type_of
from gradiente.graph.node import Node
from gradiente.nn.context import Context, current, running
from gradiente.nn.slots import Place, Slot, Snapshot, containers_in, joined, places_at
from gradiente.trace.functions import Tensor
from gradiente.trace.random import fold_in, key

Initializer = Callable[[Any, tuple[int, ...], Any], Any]

EVERYTHING = "*"  # stands among the frozen names for all parameters, those to come included

# Symbols stand in the attributes of a network while it is traced: one thread at a time does that.
_one_at_a_time = RLock()


def _entered(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let the run know which module is at work, and start a run if there is none."""

    @wraps(call)
    def entered(self: "Module", *args: Any, **kwargs: Any) -> Any:
        context = current()
        if context is None:
            with running(Context()):
                return entered(self, *args, **kwargs)
        if context.root is None:
            context.root, context.paths = self, self.module_paths()
            try:
                return entered(self, *args, **kwargs)
            finally:
                context.root, context.paths = None, {}
        path = context.path_of(self) or ""
        with inside_layer(path or type(self).__name__):
            result = call(self, *args, **kwargs)
        if context.calls is not None:
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

    `__init__` of this class takes nothing and need not be called. A network of several inputs gets
    them as one tuple or dict. To compile it, make it an argument,
    `gd.compile(lambda net, x: net(x))`: arrays a compiled function closes over are fixed in it.
    """

    buffer_names: tuple[str, ...] = ()  # attributes that `buffer` will create

    _buffers: frozenset[str] = frozenset()
    _frozen: frozenset[str] = frozenset()
    _origin: "Module | None" = None
    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})  # what `__init__` was given

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Remember the arguments, from which files rebuild a layer."""
        made = super().__new__(cls)
        if arguments or options:
            made.__dict__["_made_with"] = (arguments, options)
        return made

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__call__" in cls.__dict__:
            cls.__call__ = _entered(cls.__dict__["__call__"])  # type: ignore[method-assign]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; every subclass defines it."""
        hint = "; rename its `forward`" if hasattr(self, "forward") else ""
        raise GradienteError(f"{type(self).__name__} does not define `__call__`{hint}.")

    # -- for authors of layers -------------------------------------------------------------------

    def parameter(
        self, name: str, shape: tuple[int, ...], initializer: Initializer, dtype: Any = np.float32
    ) -> Any:
        """The parameter of this name, created on first use from (seed, path).

        For use in `__call__`. initializer: a function (key, shape, dtype) -> array.
        Raises `ShapeError` if it exists with another shape: the layer was first used on other data.
        """
        existing = self.__dict__.get(name)
        if existing is None:
            path, context = self._path_to_be(name)
            if not callable(initializer):
                raise InvalidArgumentError(
                    f"the initializer of `{path}` is {initializer!r}: it must be a function "
                    "(key, shape, dtype) -> array, such as gradiente.initializers.he_normal."
                )
            existing = np.array(initializer(_stream(context, path), shape, np.dtype(dtype)))
            if existing.shape != tuple(shape) or existing.dtype.kind != "f":
                raise ShapeError(
                    f"the initializer of `{path}` returned {type_of(existing)}, but {dtype} of "
                    f"shape {shape} was asked for."
                )
            self._keep(name, existing, context)
        existing, run = self._of_shape(name, existing, shape), current()
        transform = None if run is None else run.replaced.get((id(self), name))
        return existing if transform is None else transform(existing)

    def first_key(self, name: str) -> Any:
        """The key that first values of this name are drawn from: a function of (seed, path)."""
        path, context = self._path_to_be(name)
        return _stream(context, path)

    def buffer(self, name: str, value: np.ndarray) -> Any:
        """An array that is saved with the module but not trained, created on first use.

        For use in `__call__`; assign a new value to the attribute there to update it.
        Raises `ShapeError` if it exists with another shape.
        """
        if name not in self._buffers:
            self._buffers = self._buffers | {name}
        existing = self.__dict__.get(name)
        if existing is None:
            existing = np.array(value)
            self._keep(name, existing, self._path_to_be(name)[1])
        return self._of_shape(name, existing, np.shape(value))

    def _path_to_be(self, name: str) -> tuple[str, Context]:
        """The path and the run of an array about to be created, if the network will find it."""
        context, kind = current(), type(self).__name__
        if self._origin is not None:
            raise GradienteError(
                f"`{name}` of {kind} does not exist yet: before a network is given to a derivative "
                "or to a compiled function, call `network.initialize(x)`."
                + current_source().explain()
            )
        if context is None or context.root is None:
            raise GradienteError(
                f"`{name}` of {kind} is created while the network runs: ask for it in `__call__`, "
                "or set an array as an attribute in `__init__`."
            )
        path = context.path_of(self)
        if path is None:
            raise GradienteError(
                f"this {kind} is used inside {type(context.root).__name__} but is not part of it, "
                "so its parameters would be neither trained nor saved. Keep it in an attribute of "
                "the network (self.layer = ...), or in a list or dict there; not in a function, a "
                "local variable, or an attribute whose name begins with `_`."
                + current_source().explain()
            )
        return joined(path, name), context

    def _keep(self, name: str, value: np.ndarray, context: Context) -> None:
        self.__dict__[name] = value
        context.created.append((self, name, value))

    def _of_shape(self, name: str, existing: Any, shape: tuple[int, ...]) -> Any:
        if tuple(existing.shape) == tuple(shape):
            return existing
        context = current()
        path = (context.path_of(self) if context is not None else None) or ""
        layer = f"layer `{path}` ({type(self).__name__})" if path else type(self).__name__
        raise ShapeError(
            f"`{name}` of {layer} has shape {tuple(existing.shape)}, but this input needs "
            f"{tuple(shape)}. A layer keeps the sizes of the first input it met, or of the weights "
            "loaded into it." + current_source().explain()
        )

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
                value = value.public()
            if isinstance(value, list | tuple):
                value = dict(enumerate(value))
            if isinstance(value, dict):
                for name, child in value.items():
                    visit(child, joined(path, name))

        visit(self, "")
        return found

    def module_paths(self) -> dict[int, str]:
        """The path of every module, by identity."""
        return {id(module): path for path, module in self.modules().items()}

    def public(self) -> dict[str, Any]:
        """The attributes of this module that may be parameters, buffers or submodules."""
        return {name: v for name, v in self.__dict__.items() if not name.startswith("_")}

    def slots(self) -> list[Slot]:
        """Every parameter and buffer once, with all the places that share it.

        Raises `InvalidArgumentError` if two have the same path.
        """
        by_array: dict[int, Slot] = {}
        for path, module in self.modules().items():
            for attribute in module.public():
                for name, place in places_at(module.__dict__, attribute, attribute):
                    known = by_array.get(id(place.value))
                    if known is not None:
                        known.places.append(place)
                    else:
                        by_array[id(place.value)] = module._slot(joined(path, name), name, place)
        slots = list(by_array.values())
        paths = [slot.path for slot in slots]
        if len(set(paths)) < len(paths):
            twice = next(path for path in paths if paths.count(path) > 1)
            raise InvalidArgumentError(f"two arrays have the path `{twice}`; rename one of them.")
        return slots

    def _slot(self, path: str, name: str, place: Place) -> Slot:
        is_parameter = place.value.dtype.kind == "f" and name not in self._buffers
        frozen = is_parameter and not self._frozen.isdisjoint({name, EVERYTHING})
        return Slot(path, self, name, [place], is_parameter, frozen)

    def parameters(self, trainable: bool | None = None) -> dict[str, np.ndarray]:
        """All parameters by path; only the trainable, or only the frozen ones, if asked."""
        with _one_at_a_time:  # another thread may have put symbols into the slots, to trace
            return {
                slot.path: slot.value
                for slot in self.slots()
                if slot.is_parameter and (trainable is None or slot.frozen != trainable)
            }

    def buffers(self) -> dict[str, np.ndarray]:
        """All buffers by path."""
        with _one_at_a_time:
            return {slot.path: slot.value for slot in self.slots() if not slot.is_parameter}

    def state(self) -> dict[str, np.ndarray]:
        """Parameters and buffers by path: all there is to save."""
        with _one_at_a_time:
            return {slot.path: slot.value for slot in self.slots()}

    def load_state(
        self,
        state: dict[str, np.ndarray],
        *,
        buffers: Container[str] = (),
        frozen: Container[str] | None = None,
    ) -> None:
        """Set parameters and buffers by path, all or none; unused layers take theirs on trust.

        buffers: paths of buffers, for layers of other makers that take them on trust; frozen: if
        given, the paths of the parameters that are not trained from now on.
        Raises `UnknownNameError` for missing or surplus paths, `ShapeError` for other shapes,
        `TypeMismatchError` for integers in place of floating-point numbers or the reverse.
        """
        known = {slot.path: slot for slot in self.slots()}
        arrays = {path: np.array(value) for path, value in state.items()}
        missing = [path for path in known if path not in arrays]
        if missing:
            raise UnknownNameError(f"the state lacks {', '.join(missing)}.")
        owners = {path: self._owner(path) for path in arrays if path not in known}
        for path, slot in known.items():
            if slot.value.shape != arrays[path].shape:
                raise ShapeError(
                    f"`{path}` has shape {slot.value.shape} in the network, but "
                    f"{arrays[path].shape} in the state."
                )
            if slot.value.dtype.kind != arrays[path].dtype.kind:
                raise TypeMismatchError(
                    f"`{path}` has type {slot.value.dtype} in the network, but "
                    f"{arrays[path].dtype} in the state."
                )
        for path, slot in known.items():
            slot.fill(arrays[path])
        for path, (module, name) in owners.items():
            if path in buffers or name in module.buffer_names:
                module._buffers = module._buffers | {name}
            module.__dict__[name] = arrays[path]
        if frozen is not None:
            self._freeze_exactly(frozen)

    def _owner(self, path: str) -> tuple["Module", str]:
        """The module, and the attribute, that will create the array at `path` on first use."""
        owner, _, name = path.rpartition(".")
        module = self.modules().get(owner)
        if module is None or name not in module.__dict__ or module.__dict__[name] is not None:
            raise UnknownNameError(
                f"the network has no `{path}`; it has: {', '.join(self.state()) or 'nothing yet'}. "
                "Arrays that are created on first use exist after `network.initialize(x)`."
            )
        return module, name

    @property
    def count(self) -> int:
        """The number of trained numbers: the sizes of all parameters."""
        return sum(value.size for value in self.parameters().values())

    # -- freezing --------------------------------------------------------------------------------

    def freeze(self, *patterns: str) -> "Module":
        """Stop training the parameters at these paths (`hidden`, `*.bias`); all by default.

        A pattern stands for the parameters whose path it matches, and for all those of a module
        whose path it matches. Raises `InvalidArgumentError` for one that matches nothing.
        """
        return self._set_frozen(patterns, True)

    def unfreeze(self, *patterns: str) -> "Module":
        """Train them again."""
        return self._set_frozen(patterns, False)

    def _set_frozen(self, patterns: tuple[str, ...], frozen: bool) -> "Module":
        if not patterns:
            for module in self.modules().values():
                module._frozen = frozenset({EVERYTHING} if frozen else ())
            return self
        parameters = [slot for slot in self.slots() if slot.is_parameter]
        chosen = {pattern: _matching(pattern, parameters) for pattern in patterns}
        for pattern, matching in chosen.items():
            if not matching:
                listed = ", ".join(slot.path for slot in parameters)
                raise InvalidArgumentError(
                    f"no parameter matches `{pattern}`; there are: "
                    f"{listed or 'none yet, call `network.initialize(x)` first'}."
                )
        now = {slot.path for slot in parameters if slot.frozen}
        meant = {slot.path for matching in chosen.values() for slot in matching}
        self._freeze_exactly(now | meant if frozen else now - meant)
        return self

    def _freeze_exactly(self, paths: Container[str]) -> None:
        slots = [slot for slot in self.slots() if slot.is_parameter and slot.path in paths]
        for module in self.modules().values():
            module._frozen = frozenset(slot.name for slot in slots if slot.module is module)

    # -- running ---------------------------------------------------------------------------------

    def initialize(self, *inputs: Any, seed: int = 0) -> "Module":
        """Create all parameters for inputs of these shapes, without computing anything.

        inputs: arrays, or trees of them; the parameters are a function of (seed, path).
        """
        self.rehearse(*inputs, context=Context(seed=seed))
        # Once more as in training, for what is used only there.
        self.rehearse(*inputs, context=Context(True, _symbol(key(0)), seed))
        return self

    def rehearse(self, *inputs: Any, context: Context) -> Context:
        """Run on symbols of the shapes of these inputs; what was called stands in the context."""
        with self.on_symbols(context):
            self(*map_tree(_symbol, inputs))
        return context

    @contextmanager
    def on_symbols(
        self, context: Context, values: dict[str, Any] | None = None
    ) -> Iterator[list[Slot]]:
        """Run the network inside with other values, Tensors for example, in its slots.

        Afterwards everything is as before, but for the arrays that a first use created.
        """
        with _one_at_a_time:
            slots = self.slots()
            before = [(place, place.value) for slot in slots for place in slot.places]
            attributes = [module.__dict__ for module in self.modules().values()]
            snapshot = Snapshot(each for own in attributes for each in containers_in(own))
            try:
                for slot in slots:
                    if values is not None and slot.path in values:
                        slot.fill(values[slot.path])
                with running(context):
                    yield slots
            finally:
                for place, value in before:
                    place.fill(value)
                snapshot.restore()
                for module, name, value in context.created:
                    module.__dict__[name] = value

    @recursive_repr("...")
    def __repr__(self) -> str:
        children = ", ".join(
            f"{name}={_short(value)}" for name, value in self.public().items() if _has_layers(value)
        )
        return f"{type(self).__name__}({children})"


def _stream(context: Context, path: str) -> Any:
    return fold_in(key(context.seed), zlib.crc32(path.encode()))


def _matching(pattern: str, slots: list[Slot]) -> list[Slot]:
    ways = (pattern, f"{pattern}.*")
    return [slot for slot in slots if any(fnmatchcase(slot.path, way) for way in ways)]


def _has_layers(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_layers, value.values()))
    return isinstance(value, Module) or (
        isinstance(value, list | tuple) and any(map(_has_layers, value))
    )


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_short, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_short(each)}' for name, each in value.items())}}}"
    return repr(value) if isinstance(value, Module) else getattr(value, "__name__", repr(value))


def _symbol(x: Any) -> Tensor:
    return Tensor(Node(None, (), {}, type_of(x), name="x"))
