"""A step compiled to be repeated: the state stays with the backend, the data are rows of arrays."""

from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from gradiente.backends.compilations import Compilations
from gradiente.backends.compile import KEPT_VARIANTS, compilation, improved
from gradiente.backends.registry import Backend, Steps, TimedSteps, backend_named
from gradiente.base.errors import TreeError
from gradiente.base.trees import Structure, Tree, flatten, unflatten
from gradiente.base.types import ArrayType, type_of
from gradiente.graph.graph import Graph
from gradiente.trace.trace import Slot, Traced, input_names, name_of, trace

Types = tuple[ArrayType, ...]
Key = tuple[Structure, Types, Structure, Types]
TimedVariants = dict[tuple["CompiledSteps", Key], TimedSteps]


class CompiledSteps:
    """A function `(state, batch) -> state`, run for one batch of rows after the other.

    state: a tree of arrays; batch: a tree of arrays whose first axis counts the rows of the batch.
    It is traced for each batch size and each structure of the state it meets; `variants` counts
    how often, `compilations` what that cost. The arrays of the state that is returned belong to the
    backend, which overwrites them in the next run: copy what is to be kept. owned: a table of such
    arrays, to be shared by functions that work on one state in turn.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        backend: str | None = None,
        threads: int | None = None,
        owned: dict[int, np.ndarray] | None = None,
    ):
        self.function = function
        self.threads = threads
        self.compilations = Compilations()
        self._backend_name = backend
        self._backend: Backend | None = None
        self._latest: Key | None = None
        self._programs: OrderedDict[Any, tuple[Traced, Steps]] = OrderedDict()
        self._owned = {} if owned is None else owned

    @property
    def backend(self) -> Backend:
        """What it runs on; chosen when it is first needed."""
        if self._backend is None:
            self._backend = backend_named(self._backend_name)
        return self._backend

    @property
    def variants(self) -> int:
        """How often it was traced."""
        return self.compilations.variants

    @property
    def program(self) -> Steps | None:
        """What ran last, without its clocks if it was timed."""
        return None if self._latest is None else self._variant(self._latest)[1]

    @property
    def graph(self) -> Graph | None:
        """The graph of what ran last."""
        return None if self._latest is None else self._variant(self._latest)[0].graph

    def run(
        self, state: Tree, data: Tree, order: np.ndarray, timed: TimedVariants | None = None
    ) -> Tree:
        """The state after one step for each row of `order`, (steps, batch) places in the data.

        timed: a table into which steps are put that measure themselves, to be run instead.
        """
        leaves, structure = flatten(state)
        columns, shape = flatten(data)
        batch = order.shape[1]
        types = [ArrayType((batch, *column.shape[1:]), column.dtype) for column in columns]
        key = (structure, tuple(type_of(leaf) for leaf in leaves), shape, tuple(types))
        self._latest = key
        steps = self._variant(key)[1] if timed is None else self._timed_variant(key, timed)
        owned = self._owned
        arrays = [owned[id(x)] if id(x) in owned else steps.own(np.asarray(x)) for x in leaves]
        arrays = steps(arrays, columns, order)
        owned.clear()
        owned.update((id(array), array) for array in arrays)
        return unflatten(structure, arrays)

    def _variant(self, key: Key) -> tuple[Traced, Steps]:
        if key not in self._programs:
            started = perf_counter()
            traced = self._traced(*key)
            steps = self.backend.steps(improved(traced.graph), *_sizes(key), self.threads)
            self._programs[key] = traced, steps
            self.compilations += compilation(self.backend, steps, started)
            if len(self._programs) > KEPT_VARIANTS:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return self._programs[key]

    def _timed_variant(self, key: Key, timed: TimedVariants) -> TimedSteps:
        if (self, key) not in timed:
            started = perf_counter()
            graph = improved(self._traced(*key).graph)
            steps = self.backend.timed_steps(graph, *_sizes(key), self.threads)
            timed[self, key] = steps
            self.compilations += compilation(self.backend, steps, started)
        return timed[self, key]

    def _traced(
        self,
        structure: Structure,
        state_types: Types,
        batch_structure: Structure,
        batch_types: Types,
    ) -> Traced:
        state, batch = unflatten(structure, state_types), unflatten(batch_structure, batch_types)
        arguments = flatten(((state, batch), {}))[1]
        slots = [Slot(item) for item in [*state_types, *batch_types]]
        names = input_names(self.function, (state, batch), {})
        traced = trace(self.function, arguments, slots, names)
        same = tuple(node.type for node in traced.graph.outputs) == state_types
        if traced.result != structure or not same:
            raise TreeError(
                f"`{name_of(self.function)}` is to return a state of the same structure, shapes "
                "and data types as the one it is given."
            )
        return traced

    def __repr__(self) -> str:
        name = name_of(self.function)
        return f"<compiled steps of {name}: {self.backend.name}, {self.compilations}>"


def _sizes(key: Key) -> tuple[int, int]:
    """How many arrays the state has, and how many rows a batch has."""
    _, state_types, _, batch_types = key
    return len(state_types), batch_types[0].shape[0]
