"""Native programs that can be called: one run on given arrays, or many steps over data."""

import ctypes
import threading
from typing import Any

import numpy as np

from gradiente.backends.native.engine import compile_text
from gradiente.backends.native.memory import ALIGNMENT
from gradiente.backends.native.program import NativeModule
from gradiente.backends.native.target import host
from gradiente.backends.native.workers import available_threads, run_together
from gradiente.base.errors import IndexRangeError
from gradiente.graph.graph import Graph

Arrays = list[np.ndarray]


class _Callable:
    """What both kinds of program share: the library, the arena, the counters of the barrier."""

    def __init__(self, module: NativeModule, threads: int | None):
        self.module = module
        self.library = compile_text(module.text)
        self.lock = threading.Lock()
        self.arena = _aligned(module.arena_size)
        self.sync = _aligned(256)
        self.status = np.zeros(1, np.int64)
        self.threads = (threads or available_threads()) if module.threads_pay else 1

    def _table(self, arrays: Arrays) -> Any:
        """The pointers of arena, status, inputs, constants and the rest, in the module's order."""
        known = [self.arena, self.status, *arrays]
        return (ctypes.c_void_p * len(known))(*(array.ctypes.data for array in known))

    def _check(self) -> None:
        if self.status[0]:
            node = self.module.checked[int(self.status[0]) - 1]
            self.status[0] = 0
            assert node.operation is not None
            raise IndexRangeError(
                f"`{node.operation.name}` met an index that is out of range."
                + node.source.explain()
            )


class NativeProgram(_Callable):
    """A compiled graph: called with the arrays of its inputs, it returns those of its outputs."""

    def __init__(self, graph: Graph, threads: int | None = None):
        super().__init__(NativeModule(graph, host()), threads)
        pointers = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
        self.function = self.library.function("program", *pointers)

    def __call__(self, arrays: Arrays) -> Arrays:
        module = self.module
        given = [np.ascontiguousarray(array) for array in arrays]
        outputs = [np.empty(node.type.shape, node.type.dtype) for node in module.graph.outputs]
        with self.lock:  # one arena: one caller at a time
            table = self._table([*given, *module.constants, *outputs])
            address, sync = ctypes.addressof(table), self.sync.ctypes.data
            run_together(
                lambda thread, threads: self.function(address, sync, thread, threads),
                self.threads,
            )
            self._check()
        return outputs


class NativeSteps(_Callable):
    """A compiled step `(state, batch) -> state` that runs many times over rows of data.

    The arrays of the state are overwritten where they lie.
    """

    def __init__(self, graph: Graph, states: int, batch: int, threads: int | None = None):
        pairs = {position: position for position in range(states)}
        super().__init__(NativeModule(graph, host(), pairs, batch), threads)
        pointers = [ctypes.c_void_p] * 2 + [ctypes.c_int64, ctypes.c_void_p] + [ctypes.c_int64] * 2
        self.function = self.library.function("steps", *pointers)
        self.batches = [
            _aligned(node.type.size * node.type.dtype.itemsize)
            for node in self.module.gathered_nodes
        ]

    def __call__(self, state: Arrays, data: Arrays, order: np.ndarray) -> None:
        """Steps over the rows that `order`, of shape (steps, rows of a batch), names."""
        order = np.ascontiguousarray(order, np.int64)
        unused = [self.status] * len(self.module.graph.outputs)
        with self.lock:
            table = self._table([*state, *self.batches, *self.module.constants, *unused, *data])
            address, sync, rows = ctypes.addressof(table), self.sync.ctypes.data, order.ctypes.data
            count = len(order)
            run_together(
                lambda thread, threads: self.function(address, rows, count, sync, thread, threads),
                self.threads,
            )
            self._check()


def _aligned(size: int) -> np.ndarray:
    """Zeroed bytes that begin at a cache line."""
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]
