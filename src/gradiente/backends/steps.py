"""A step compiled to be repeated: the state stays with the backend, the data are rows of arrays."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.backends.compile import KEPT_VARIANTS, improved
from gradiente.backends.registry import Backend, Steps, backend_named
from gradiente.base.errors import TreeError
from gradiente.base.trees import Structure, Tree, flatten, unflatten
from gradiente.base.types import ArrayType, type_of
from gradiente.trace.trace import Slot, Traced, input_names, name_of, trace


class CompiledSteps:
    """A function `(state, batch) -> state`, run for one batch of rows after the other.

    state: a tree of arrays; batch: a tree of arrays whose first axis counts the rows of the batch.
    It is traced for each batch size and each structure of the state it meets; `variants` counts
    how often. The arrays of the state that is returned belong to the backend, which overwrites them
    in the next run: copy what is to be kept. owned: a table of such arrays, to be shared by
    functions that work on one state in turn.
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
        self.variants = 0
        self._backend_name = backend
        self._backend: Backend | None = None
        self._programs: OrderedDict[Any, tuple[Traced, Steps]] = OrderedDict()
        self._owned = {} if owned is None else owned

    @property
    def backend(self) -> Backend:
        """What it runs on; chosen when it is first needed."""
        if self._backend is None:
            self._backend = backend_named(self._backend_name)
        return self._backend

    @property
    def program(self) -> Steps | None:
        """What ran last."""
        return next(reversed(self._programs.values()))[1] if self._programs else None

    def run(self, state: Tree, data: Tree, order: np.ndarray) -> Tree:
        """The state after one step for each row of `order`, (steps, batch) places in the data."""
        leaves, structure = flatten(state)
        columns, shape = flatten(data)
        batch = order.shape[1]
        types = [ArrayType((batch, *column.shape[1:]), column.dtype) for column in columns]
        steps = self._variant(structure, [type_of(leaf) for leaf in leaves], shape, types)
        owned = self._owned
        arrays = [owned[id(x)] if id(x) in owned else steps.own(np.asarray(x)) for x in leaves]
        arrays = steps(arrays, columns, order)
        owned.clear()
        owned.update((id(array), array) for array in arrays)
        return unflatten(structure, arrays)

    def _variant(
        self,
        structure: Structure,
        state_types: list[ArrayType],
        batch_structure: Structure,
        batch_types: list[ArrayType],
    ) -> Steps:
        key = (structure, tuple(state_types), batch_structure, tuple(batch_types))
        if key not in self._programs:
            traced = self._traced(structure, state_types, batch_structure, batch_types)
            graph, rows = improved(traced.graph), batch_types[0].shape[0]
            steps = self.backend.steps(graph, len(state_types), rows, self.threads)
            self._programs[key] = traced, steps
            self.variants += 1
            if len(self._programs) > KEPT_VARIANTS:
                self._programs.popitem(last=False)
        self._programs.move_to_end(key)
        return self._programs[key][1]

    def _traced(
        self,
        structure: Structure,
        state_types: list[ArrayType],
        batch_structure: Structure,
        batch_types: list[ArrayType],
    ) -> Traced:
        state, batch = unflatten(structure, state_types), unflatten(batch_structure, batch_types)
        arguments = flatten(((state, batch), {}))[1]
        slots = [Slot(item) for item in [*state_types, *batch_types]]
        names = input_names(self.function, (state, batch), {})
        traced = trace(self.function, arguments, slots, names)
        same = [node.type for node in traced.graph.outputs] == state_types
        if traced.result != structure or not same:
            raise TreeError(
                f"`{name_of(self.function)}` is to return a state of the same structure, shapes "
                "and data types as the one it is given."
            )
        return traced

    def __repr__(self) -> str:
        plural = "" if self.variants == 1 else "s"
        return (
            f"<compiled steps of {name_of(self.function)}: {self.backend.name}, "
            f"{self.variants} variant{plural}>"
        )
