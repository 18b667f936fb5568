"""`compile`: a function traced once for each type of its arguments, and run by a backend."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from threading import RLock
from time import perf_counter
from typing import Any

import numpy as np

from gradiente.backends.backend import Backend, Program, TimedProgram
from gradiente.backends.compilations import Compilations
from gradiente.backends.registry import backend_named
from gradiente.base.fork import renew_in_children
from gradiente.base.kept import Kept
from gradiente.base.settings import setting, settings_in_force
from gradiente.base.trees import Structure, flatten
from gradiente.graph.content import content
from gradiente.graph.graph import Graph, verify
from gradiente.rewrite.pipeline import improve
from gradiente.trace.functions import Tensor
from gradiente.trace.surroundings import is_surrounded
from gradiente.trace.trace import Slot, Traced, input_names, name_of, slot_of, trace

KEPT_VARIANTS = 32  # more than this many types of arguments at once is a mistake in the caller
KEPT_GRAPHS = 64  # of all functions of the process together

_graphs: Kept[Graph] = Kept(KEPT_GRAPHS)


@dataclass(frozen=True)
class _Variant:
    """The function for one combination of arguments."""

    slots: list[Slot]
    traced: Traced
    program: Program


class CompiledFunction:
    """A function that runs as a compiled graph.

    It is traced when it meets a new combination of shapes, data types and static arguments
    (strings, booleans, functions); `variants` counts how often that happened. The latest are kept.
    `compilations` says what that cost.
    """

    def __init__(
        self, function: Callable[..., Any], backend: str | None, threads: int | None = None
    ):
        self.function = function
        self.threads = threads
        self.compilations = Compilations()
        self._backend = None if backend is None else backend_named(backend)
        self._programs: OrderedDict[Any, _Variant] = OrderedDict()
        self.renew()
        renew_in_children(self)
        update_wrapper(self, function, updated=())

    def renew(self) -> None:
        """A lock that nobody holds: threads may share a function, and a trace may call it again."""
        self._lock = RLock()

    @property
    def backend(self) -> Backend:
        """What it runs on; unless it was named, chosen when it is first needed."""
        if self._backend is None:
            self._backend = backend_named(None)
        return self._backend

    @property
    def variants(self) -> int:
        """How often it was traced."""
        return self.compilations.variants

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten((args, kwargs))
        if is_surrounded() or any(isinstance(leaf, Tensor) for leaf in leaves):
            return self.function(*args, **kwargs)  # part of a larger trace, compiled with it
        variant = self._variant(structure, leaves, args, kwargs)
        arrays = _arrays(leaves, variant.slots)
        return variant.traced.rebuild(_owned(variant.program(arrays), arrays))

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that runs for these arguments."""
        leaves, structure = flatten((args, kwargs))
        return self._variant(structure, leaves, args, kwargs).traced.graph

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """What runs for these arguments."""
        leaves, structure = flatten((args, kwargs))
        return self._variant(structure, leaves, args, kwargs).program

    def timed(self, *args: Any, **kwargs: Any) -> tuple[TimedProgram, list[np.ndarray]]:
        """A program for these arguments that measures itself, and the arrays to call it with."""
        leaves, structure = flatten((args, kwargs))
        slots = [slot_of(leaf) for leaf in leaves]
        with self._lock:
            started = perf_counter()
            traced = self._traced(structure, slots, args, kwargs)
            program = self.backend.timed_program(improved(traced.graph), self.threads)
            self.compilations += compilation(self.backend, program, started)
        return program, _arrays(leaves, slots)

    def _variant(self, structure: Structure, leaves: list[Any], args: Any, kwargs: Any) -> _Variant:
        key = (structure, *map(_key, leaves))
        with self._lock:
            if key not in self._programs:
                started = perf_counter()
                slots = [slot_of(leaf) for leaf in leaves]
                traced = self._traced(structure, slots, args, kwargs)
                program = self.backend.program(improved(traced.graph), self.threads)
                self._programs[key] = _Variant(slots, traced, program)
                self.compilations += compilation(self.backend, program, started)
                if len(self._programs) > KEPT_VARIANTS:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(key)
            return self._programs[key]

    def _traced(self, structure: Structure, slots: list[Slot], args: Any, kwargs: Any) -> Traced:
        return trace(self.function, structure, slots, input_names(self.function, args, kwargs))

    def __repr__(self) -> str:
        return f"<compiled {name_of(self.function)}: {self.backend.name}, {self.compilations}>"


def improved(graph: Graph) -> Graph:
    """A traced graph, verified if that is asked for, after all passes.

    For equal graphs it is the same object, as long as it is among the latest: what a backend has
    made of it can be used again.
    """
    said = content(graph)
    if said is None:
        return _improved(graph)
    return _graphs.find((said, settings_in_force()), lambda: _improved(graph))[0]


def _improved(graph: Graph) -> Graph:
    if setting("GRADIENTE_CHECK"):
        verify(graph)
    return improve(graph)


def compilation(backend: Backend, program: Any, started: float) -> Compilations:
    """What it cost to make one program, from when it was started."""
    found = None if backend.from_cache is None else backend.from_cache(program)
    return Compilations(
        variants=1,
        compiled=int(found is False),
        from_cache=int(found is True),
        seconds=perf_counter() - started,
    )


def _key(leaf: Any) -> Any:
    """What tells an argument from others; of an array, as most are, what is known at once."""
    known = type(leaf) is np.ndarray or isinstance(leaf, np.generic)
    return (leaf.shape, leaf.dtype) if known else slot_of(leaf)


def _arrays(leaves: list[Any], slots: list[Slot]) -> list[np.ndarray]:
    """The arguments that are arrays."""
    return [
        np.asarray(leaf, slot.type.dtype)
        for leaf, slot in zip(leaves, slots, strict=True)
        if slot.type is not None
    ]


def _owned(values: list[np.ndarray], inputs: list[np.ndarray]) -> list[Any]:
    """Numbers as NumPy scalars; arrays that share memory with nothing else the caller can reach.

    Views, constants of the program (which are read-only), arguments, and an array that is returned
    twice are copied.
    """
    taken = {id(array) for array in inputs}
    owned = []
    for value in values:
        shared = not value.flags.owndata or not value.flags.writeable or id(value) in taken
        taken.add(id(value))
        owned.append(value[()] if value.ndim == 0 else value.copy() if shared else value)
    return owned


def compile(
    function: Callable[..., Any], backend: str | None = None, threads: int | None = None
) -> CompiledFunction:
    """Compile a function of arrays: it is traced once and then runs without Python.

    function: written in NumPy, without side effects; arrays it takes from outside its arguments are
    fixed at the time of tracing. Its arguments and results are trees of arrays.
    backend: "native", machine code for this CPU, or "numpy", the reference; by default the setting
    GRADIENTE_BACKEND, which is "native" unless it is set.
    threads: how many threads it uses at most; by default as many as pay, of those GRADIENTE_THREADS
    or this process's CPUs allow. The results are the same bits for any number.

    Raises `UnknownNameError` for a backend that does not exist, and `BackendError` for one that was
    named and cannot be used here.
    """
    return CompiledFunction(function, backend, threads)
