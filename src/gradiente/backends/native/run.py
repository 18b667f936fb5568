"""Native programs that can be called: one run on given arrays, or many steps over data."""

import ctypes
import threading
import time
import weakref
from typing import Any

import numpy as np

from gradiente.backends.native.loading import Loaded, Loading, load
from gradiente.backends.native.memory.blocks import aligned, like
from gradiente.backends.native.threads.barrier import SYNC_BYTES
from gradiente.backends.native.threads.team_size import TeamSize
from gradiente.backends.native.threads.workers import run_native, thread_count
from gradiente.backends.native.timing import Times
from gradiente.backends.profile import Profile
from gradiente.base.errors import IndexRangeError
from gradiente.base.fork import renew_in_children
from gradiente.graph.graph import Graph

Arrays = list[np.ndarray]

SHORT = 40_000.0  # nanoseconds of work, roughly: waking threads up takes about as long
RECENT = 4  # states whose places are known: that of whole batches, and that of the rest


def places(arrays: Arrays) -> list[int]:
    """Where the elements of arrays lie in memory."""
    return [array.ctypes.data for array in arrays]


class _Callable:
    """What both kinds of program share: the library, the arena, the counters of the barrier.

    found: True if its code was there, in this process or on disk.
    """

    def __init__(self, loaded: Loaded, threads: int | None, entry: str):
        module = loaded.module
        self.module, self.library, self.found = module, loaded.library, loaded.found
        self.address = self.library.address(entry)
        self.lock = threading.Lock()
        wanted = thread_count(threads)
        self.threads = wanted if module.threads_pay or threads is not None else 1
        self.arena = aligned(module.arena_size)
        self.sync = aligned(module.sync_size)
        self.status = np.zeros(1, np.int64)
        self.distances = np.zeros(len(module.gathered_nodes), np.int64)
        self.times = Times(module, self.library, self.threads) if module.timed else None
        self._memory = aligned(0)
        self._own = places([self.arena, self.status, self._memory, self.sync])
        (self._distances,) = places([self.distances])
        renew_in_children(self)

    def renew(self) -> None:
        """After a fork: nobody in the child is inside the program, or waits at its barrier."""
        self.lock = threading.Lock()
        self.sync[:] = 0

    def _run(
        self, given: list[int], order: np.ndarray | None = None, threads: int | None = None
    ) -> None:
        """Run once, or once for each row of an order, with arrays in the module's order.

        given: the places of the arrays.
        """
        threads = threads or self.threads
        if len(self._memory) < self.module.private_size * self.threads:
            self._memory = aligned(self.module.private_size * self.threads)
            self._own = places([self.arena, self.status, self._memory, self.sync])
        self.sync[SYNC_BYTES:] = 0
        self.status[0] = 0  # an interrupted run may have left it
        steps = [0, 0, 0]
        if order is not None:
            steps = [order.ctypes.data, len(order), self._distances]
        addresses = [*self._own, *steps, *given]
        addresses += [] if self.times is None else [self.times.address]
        table = (ctypes.c_void_p * len(addresses))(*addresses)
        if self.times is None:
            run_native(self.address, ctypes.addressof(table), threads)
        else:
            runs = 1 if order is None else len(order)
            self.times.run(self.address, ctypes.addressof(table), threads, runs)
        self._check()

    def reset(self) -> None:
        """Forget what was measured."""
        assert self.times is not None, "it was not made to measure itself"
        self.times.reset()

    def profile(self) -> Profile:
        """Where the time went since the last reset."""
        assert self.times is not None, "it was not made to measure itself"
        return self.times.profile()

    def _check(self) -> None:
        if self.status[0]:
            node = self.module.checked[int(self.status[0]) - 1]
            assert node.operation is not None
            raise IndexRangeError(
                f"`{node.operation.name}` met an index that is out of range."
                + node.source.explain()
            )


class NativeProgram(_Callable):
    """A compiled graph: called with the arrays of its inputs, it returns those of its outputs."""

    def __init__(
        self,
        graph: Graph,
        threads: int | None = None,
        timed: bool = False,
        loading: Loading = load,
    ):
        super().__init__(loading(graph, 0, 0, timed), threads, "program")

    def __call__(self, arrays: Arrays) -> Arrays:
        module = self.module
        given = [np.ascontiguousarray(array) for array in arrays]
        outputs = [np.empty(node.type.shape, node.type.dtype) for node in module.graph.outputs]
        with self.lock:  # one arena: one caller at a time
            self._run(places([*given, *module.constants, *outputs]))
        return outputs


class NativeSteps(_Callable):
    """A compiled step `(state, batch) -> state` that runs many times over rows of data.

    The arrays of the state are overwritten where they lie.
    """

    def __init__(
        self,
        graph: Graph,
        states: int,
        batch: int,
        threads: int | None = None,
        timed: bool = False,
        loading: Loading = load,
    ):
        super().__init__(loading(graph, states, batch, timed), threads, "steps")
        self.fixed = threads is not None
        self.teams: dict[int, TeamSize] = {}  # for runs of about 2^i steps
        self.batches = [aligned(self.module.size(node)) for node in self.module.gathered_nodes]
        unused = [self.status] * len(self.module.graph.outputs)
        self._fixed = places([*self.batches, *self.module.constants, *unused])
        self._states: dict[tuple[int, ...], tuple[tuple[Any, ...], list[int]]] = {}

    def own(self, array: np.ndarray) -> np.ndarray:
        """A copy of an array of the state, where native code works best."""
        return like(array)

    def __call__(self, state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        """Steps over the rows that `order`, of shape (steps, rows of a batch), names.

        The arrays of the state are overwritten, and returned. Each row of the data lies in one
        piece; the rows may lie anyhow.
        """
        order = np.ascontiguousarray(order, np.int64)
        with self.lock:
            given = [*self._placed(state), *self._fixed, *places(data)]
            self.distances[:] = [column.strides[0] for column in data]
            team = self._team(len(order))
            for part in team.parts(len(order)):
                began = time.perf_counter()
                self._run(given, order[part.start : part.stop], part.threads)
                team.record(part, time.perf_counter() - began)
        return state

    def _placed(self, state: Arrays) -> list[int]:
        """The places of a state, which is mostly one of those that ran last.

        Its arrays are not kept alive: when they have gone, others may have their identities.
        """
        key = tuple(map(id, state))
        known, found = self._states.get(key, ((), []))
        if not known or not all(
            there() is array for there, array in zip(known, state, strict=True)
        ):
            if len(self._states) >= RECENT:
                self._states.clear()
            found = places(state)
            self._states[key] = tuple(map(weakref.ref, state)), found
        return found

    def _team(self, steps: int) -> TeamSize:
        """The number of threads for runs of about so many steps: waking them takes its time."""
        length = steps.bit_length()
        if length not in self.teams:
            short = steps * self.module.shared_cost < SHORT
            self.teams[length] = TeamSize(self.threads, self.fixed, short)
        return self.teams[length]
