"""A step compiled to be repeated: the state stays with the backend, the data are rows of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.backends.registry import Backend, backend_named
from gradiente.base.errors import TreeError
from gradiente.base.trees import Structure, Tree, flatten, unflatten
from gradiente.base.types import ArrayType, type_of
from gradiente.trace.trace import Slot, Traced, input_names, name_of, trace


class CompiledSteps:
    """A function `(state, batch) -> state`, run for one batch of rows after the other.

    state: a tree of arrays; batch: a tree of arrays whose first axis counts the rows of the batch.
    It is traced for each batch size and each structure of the state it meets (`variants`). The
    arrays of the state that is returned belong to the backend, which overwrites them in the next
    run: copy what is to be kept.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        backend: str | None = None,
        threads: int | None = None,
    ):
        self.function = function
        self.backend: Backend = backend_named(backend)
        self.threads = threads
        self._programs: dict[Any, tuple[Traced, Any]] = {}
        self._owned: dict[int, np.ndarray] = {}

    @property
    def variants(self) -> int:
        """How often the function was traced and compiled."""
        return len(self._programs)

    def run(self, state: Tree, data: Tree, order: np.ndarray) -> Tree:
        """The state after one step for each row of `order`, (steps, batch) places in the data."""
        leaves, structure = flatten(state)
        columns, shape = flatten(data)
        batch = order.shape[1]
        types = [ArrayType((batch, *column.shape[1:]), column.dtype) for column in columns]
        program = self._variant(structure, [type_of(leaf) for leaf in leaves], shape, types)
        arrays = [self._own(leaf) for leaf in leaves]
        arrays = program(arrays, columns, order)
        self._owned = {id(array): array for array in arrays}
        return unflatten(structure, arrays)

    def _own(self, leaf: Any) -> np.ndarray:
        """An array that may be overwritten: ours already, or a copy."""
        owned = self._owned.get(id(leaf))
        return owned if owned is not None else np.array(leaf, order="C")

    def _variant(
        self,
        structure: Structure,
        state_types: list[ArrayType],
        batch_structure: Structure,
        batch_types: list[ArrayType],
    ) -> Any:
        key = (structure, tuple(state_types), batch_structure, tuple(batch_types))
        if key not in self._programs:
            state, batch = (
                unflatten(structure, state_types),
                unflatten(batch_structure, batch_types),
            )
            arguments = flatten(((state, batch), {}))[1]
            slots = [Slot(item) for item in [*state_types, *batch_types]]
            names = input_names(self.function, (state, batch), {})
            traced = trace(self.function, arguments, slots, names)
            self._refuse_other_state(traced, structure, state_types)
            graph, size = traced.graph, batch_types[0].shape[0]
            program = self.backend.steps(graph, len(state_types), size, self.threads)
            self._programs[key] = traced, program
        return self._programs[key][1]

    def _refuse_other_state(
        self, traced: Traced, structure: Structure, types: list[ArrayType]
    ) -> None:
        same = traced.result == structure and [n.type for n in traced.graph.outputs] == types
        if not same:
            raise TreeError(
                f"`{name_of(self.function)}` is to return a state of the same structure, shapes "
                "and data types as the one it is given."
            )

    def __repr__(self) -> str:
        count = self.variants
        return (
            f"<compiled steps of {name_of(self.function)}: {self.backend.name}, "
            f"{count} variant{'' if count == 1 else 's'}>"
        )
