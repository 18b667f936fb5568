"""A step compiled to be repeated: the state stays with the backend, the data are rows of arrays."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np

from gradiente.backends.backend import Backend, Steps, TimedSteps
from gradiente.backends.compilations import Compilations
from gradiente.backends.compile import KEPT_VARIANTS, compilation, improved
from gradiente.backends.registry import backend_named
from gradiente.backends.sharing import Sharing
from gradiente.base.errors import TreeError
from gradiente.base.trees import Structure, Tree, flatten, unflatten
from gradiente.base.types import ArrayType, type_of
from gradiente.graph.graph import Graph
from gradiente.rewrite.pipeline import is_skipped
from gradiente.trace.trace import Slot, Traced, input_names, name_of, trace

RECENT = 4  # kinds of work that are recognized: whole batches, and the rest

Types = tuple[ArrayType, ...]
Key = tuple[Structure, Types, Structure, Types]
TimedVariants = dict[tuple["CompiledSteps", Key], TimedSteps]


@dataclass
class _Form:
    """A step as it was traced; sharing: if its program also serves smaller batches.

    steps: the program, once it has been needed.
    """

    traced: Traced
    sharing: Sharing | None
    steps: Steps | None = None

    @property
    def graph(self) -> Graph:
        """What is compiled."""
        return self.traced.graph if self.sharing is None else self.sharing.graph


@dataclass(frozen=True)
class _Latest:
    """What ran last, by which more of the same is recognized without looking at every type.

    arrays: those of the state. It is found by the structures of state and data, sizes, and types.
    """

    key: Key
    form: _Form
    arrays: list[np.ndarray]
    state: Tree = None


class CompiledSteps:
    """A function `(state, batch) -> state`, run for one batch of rows after the other.

    state: a tree of arrays; batch: a tree of arrays whose first axis counts the rows of the batch.
    It is compiled for each batch size and each structure of the state it meets, but for the rest
    that is left when the data are divided into batches: the program of the whole batches serves it
    too, wherever the result is sure to be the same. `variants` counts how often it was compiled,
    `compilations` what that cost. The arrays of the state that is returned belong to the
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
        self._latest: _Latest | None = None
        self._recent: dict[tuple[Any, ...], _Latest] = {}
        self._forms: OrderedDict[Key, _Form] = OrderedDict()
        self._owned = {} if owned is None else owned

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
        return None if self._latest is None else self._steps(self._latest.key, self._latest.form)

    @property
    def graph(self) -> Graph | None:
        """The graph of what ran last."""
        return None if self._latest is None else self._latest.form.traced.graph

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
        before = self._latest
        if before is not None and state is before.state:  # trees are made anew, never changed
            leaves, structure = before.arrays, before.key[0]
        else:
            leaves, structure = flatten(state)
        columns, shape = flatten(data)
        rows = order.shape[1]
        whole = whole or rows
        kinds = tuple([(column.shape[1:], column.dtype) for column in columns])
        work = (structure, shape, rows, whole, len(columns[0]) % whole, kinds)
        latest = self._recent.get(work)
        if latest is None or not all(map(is_, leaves, latest.arrays)):
            latest = self._chosen(leaves, work)
        form, key, owned = latest.form, latest.key, self._owned
        steps = self._steps(key, form) if timed is None else self._timed_steps(key, form, timed)
        arrays = [owned[id(x)] if id(x) in owned else steps.own(np.asarray(x)) for x in leaves]
        if form.sharing is None:
            arrays = steps(arrays, columns, order)
        else:
            given = form.sharing.given(rows)
            arrays = steps([*arrays, *given], columns, form.sharing.filled_up(order))[: len(leaves)]
        if not all(map(is_, arrays, leaves)):
            state = unflatten(structure, arrays)
            owned.clear()
            owned.update((id(array), array) for array in arrays)
            self._recent.clear()  # nothing is to keep the arrays of a former state alive
        if work not in self._recent and len(self._recent) >= RECENT:
            self._recent.clear()
        self._latest = self._recent[work] = _Latest(key, form, arrays, state)
        return state

    def _chosen(self, leaves: list[Any], work: tuple[Any, ...]) -> _Latest:
        """What runs for a state of such leaves, and such work."""
        structure, shape, rows, whole, rest, kinds = work
        states = tuple(type_of(leaf) for leaf in leaves)

        def key(rows: int) -> Key:
            types = [ArrayType((rows, *inner), dtype) for inner, dtype in kinds]
            return structure, states, shape, tuple(types)

        serving = self._serving(key, rows, whole, rest)
        return _Latest(serving, self._form(serving), leaves)

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
                self._forms.popitem(last=False)
        self._forms.move_to_end(key)
        return self._forms[key]

    def _steps(self, key: Key, form: _Form) -> Steps:
        if form.steps is None:
            started = perf_counter()
            form.steps = self.backend.steps(improved(form.graph), *_sizes(key, form), self.threads)
            self.compilations += compilation(self.backend, form.steps, started)
        return form.steps

    def _timed_steps(self, key: Key, form: _Form, timed: TimedVariants) -> TimedSteps:
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
