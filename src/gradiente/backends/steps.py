"""A step compiled to be repeated: the state stays with the backend, the data are rows of arrays."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from gradiente.backends.compilations import Compilations
from gradiente.backends.compile import KEPT_VARIANTS, compilation, improved
from gradiente.backends.owned import Owned
from gradiente.backends.registry import Backend, Steps, TimedSteps, backend_named
from gradiente.backends.sharing import Sharing
from gradiente.base.errors import TreeError
from gradiente.base.trees import Structure, Tree, flatten, unflatten
from gradiente.base.types import ArrayType, type_of
from gradiente.graph.graph import Graph
from gradiente.rewrite.pipeline import is_skipped
from gradiente.trace.trace import Slot, Traced, input_names, name_of, trace

RECENT = 8  # combinations of a state that is owned and of data whose program is found at once

Types = tuple[ArrayType, ...]
Key = tuple[Structure, Types, Structure, Types]
TimedVariants = dict[tuple["CompiledSteps", Key], TimedSteps]


@dataclass(frozen=True)
class _Form:
    """A step as it was traced; sharing: if its program also serves smaller batches."""

    traced: Traced
    sharing: Sharing | None

    @property
    def graph(self) -> Graph:
        """What is compiled."""
        return self.traced.graph if self.sharing is None else self.sharing.graph


class CompiledSteps:
    """A function `(state, batch) -> state`, run for one batch of rows after the other.

    state: a tree of arrays; batch: a tree of arrays whose first axis counts the rows of the batch.
    It is compiled for each batch size and each structure of the state it meets, but for the rest
    that is left when the data are divided into batches: the program of the whole batches serves it
    too, wherever the result is sure to be the same. `variants` counts how often it was compiled,
    `compilations` what that cost. The arrays of the state that is returned belong to the
    backend, which overwrites them in the next run: copy what is to be kept. owned: the table of
    these arrays, to be shared by functions that work on one state in turn.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        backend: str | None = None,
        threads: int | None = None,
        owned: Owned | None = None,
    ):
        self.function = function
        self.threads = threads
        self.compilations = Compilations()
        self._backend_name = backend
        self._backend: Backend | None = None
        self._latest: Key | None = None
        self._forms: OrderedDict[Key, _Form] = OrderedDict()
        self._programs: dict[Key, Steps] = {}
        self._owned = Owned() if owned is None else owned
        self._recent: dict[Any, tuple[Key, _Form, Steps]] = {}

    @property
    def backend(self) -> Backend:
        """What it runs on; chosen when it is first needed."""
        if self._backend is None:
            self._backend = backend_named(self._backend_name)
        return self._backend

    @property
    def variants(self) -> int:
        """How often it was compiled."""
        return self.compilations.variants

    @property
    def program(self) -> Steps | None:
        """What ran last, without its clocks if it was timed."""
        return None if self._latest is None else self._variant(self._latest)

    @property
    def graph(self) -> Graph | None:
        """The graph of what ran last."""
        return None if self._latest is None else self._form(self._latest).traced.graph

    def run(
        self,
        state: Tree,
        data: Tree,
        order: np.ndarray,
        timed: TimedVariants | None = None,
        whole: int | None = None,
    ) -> Tree:
        """The state after one step for each row of `order`, (steps, batch) places in the data.

        timed: a table into which steps are put that measure themselves, to be run instead.
        whole: how many rows the batches have into which all of the data are divided; those of
        `order` are such batches or the rest. By default nothing is known of other batches.
        """
        leaves, structure = flatten(state)
        columns, shape = flatten(data)
        rows, types = order.shape[1], tuple([(column.shape, column.dtype) for column in columns])
        whole = whole or rows
        asked = self._owned.version, structure, tuple(map(id, leaves)), shape, types, rows, whole
        if timed is None and asked in self._recent:  # the arrays returned last, owned and alive
            self._latest, form, steps = self._recent[asked]
            arrays = leaves
        else:
            self._latest = latest = self._key((structure, leaves), (shape, columns), rows, whole)
            form = self._form(latest)
            steps = self._variant(latest) if timed is None else self._timed_variant(latest, timed)
            arrays = [x if x in self._owned else steps.own(np.asarray(x)) for x in leaves]
            if timed is None and all(leaf in self._owned for leaf in leaves):
                if len(self._recent) >= RECENT:
                    self._recent.clear()
                self._recent[asked] = latest, form, steps
        if form.sharing is None:
            arrays = steps(arrays, columns, order)
        else:
            given = form.sharing.given(rows)
            arrays = steps([*arrays, *given], columns, form.sharing.filled_up(order))[: len(leaves)]
        self._owned.replace(arrays)
        return unflatten(structure, arrays)

    def _key(
        self,
        state: tuple[Structure, list[Any]],
        data: tuple[Structure, list[np.ndarray]],
        rows: int,
        whole: int,
    ) -> Key:
        """The key of the program for a state and batches of so many rows of the data."""
        structure, leaves = state
        shape, columns = data
        states = tuple(type_of(leaf) for leaf in leaves)

        def key(rows: int) -> Key:
            types = [ArrayType((rows, *column.shape[1:]), column.dtype) for column in columns]
            return structure, states, shape, tuple(types)

        return self._serving(key, rows, whole, len(columns[0]) % whole)

    def _serving(self, key: Callable[[int], Key], rows: int, whole: int, rest: int) -> Key:
        """The key of the program that serves a batch of so many rows.

        A rest that comes before any whole batch gets its own: nobody knows if one will follow.
        """
        if rows == whole:
            if rest and key(whole) not in self._forms:
                self._form(key(whole), key(rest))
            return key(whole)
        sharing = self._forms[key(whole)].sharing if key(whole) in self._forms else None
        if sharing is None or not sharing.serves(rows, lambda: self._traced(*key(rows)).graph):
            return key(rows)
        return key(whole)

    def _form(self, key: Key, rest: Key | None = None) -> _Form:
        """The step as it is traced. rest: of a smaller batch that its program is to serve."""
        if key not in self._forms:
            started = perf_counter()
            traced, sharing = self._traced(*key), None
            if rest is not None and self.backend.compiles and not is_skipped("rest"):
                sharing = Sharing(traced.graph, len(key[1]))
                if not sharing.serves(_rows(rest), lambda: self._traced(*rest).graph):
                    sharing = None
            self._forms[key] = _Form(traced, sharing)
            self.compilations += Compilations(seconds=perf_counter() - started)
            if len(self._forms) > KEPT_VARIANTS:
                self._recent.clear()
                oldest, _ = self._forms.popitem(last=False)
                self._programs.pop(oldest, None)
        self._forms.move_to_end(key)
        return self._forms[key]

    def _variant(self, key: Key) -> Steps:
        form = self._form(key)
        if key not in self._programs:
            started = perf_counter()
            steps = self.backend.steps(improved(form.graph), *_sizes(key, form), self.threads)
            self._programs[key] = steps
            self.compilations += compilation(self.backend, steps, started)
        return self._programs[key]

    def _timed_variant(self, key: Key, timed: TimedVariants) -> TimedSteps:
        form = self._form(key)
        if (self, key) not in timed:
            started = perf_counter()
            graph = improved(form.graph)
            steps = self.backend.timed_steps(graph, *_sizes(key, form), self.threads)
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


def _rows(key: Key) -> int:
    """How many rows a batch has."""
    return key[3][0].shape[0]


def _sizes(key: Key, form: _Form) -> tuple[int, int]:
    """How many arrays the state has, with what is given besides, and how many rows a batch has."""
    extras = 0 if form.sharing is None else form.sharing.extras
    return len(key[1]) + extras, _rows(key)
