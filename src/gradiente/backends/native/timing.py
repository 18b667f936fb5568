"""What a native program measures of itself: the tables its threads write, and what they mean."""

from time import perf_counter_ns, sleep

import numpy as np

from gradiente.backends.native import clock
from gradiente.backends.native.machine.engine import Library
from gradiente.backends.native.memory.blocks import aligned
from gradiente.backends.native.module import NativeModule
from gradiente.backends.native.names import lines_of, operations_of
from gradiente.backends.native.program import Written
from gradiente.backends.native.threads.workers import run_native
from gradiente.backends.profile import GATHERING, WAITING, Entry, Profile, product_flops

CALIBRATION = 20_000_000  # nanoseconds over which the counter is compared with the time


class Times:
    """The tables of a timed program, one for each thread, and the clock on the wall."""

    def __init__(self, module: NativeModule, library: Library, threads: int):
        self.module, self.library, self.threads = module, library, threads
        self.block = aligned(module.clock.stride * threads)
        self.ticks = np.zeros(1, np.int64)
        self.reset()

    @property
    def address(self) -> int:
        """Where the tables begin."""
        return int(self.block.ctypes.data)

    def reset(self) -> None:
        """Forget what was measured."""
        self.block[:] = 0
        self.elapsed = self.runs = 0
        self.start = self._now()

    def run(self, function: int, argument: int, threads: int, runs: int) -> None:
        """`run_native`, with a look at the clock before and after it."""
        started = perf_counter_ns()
        run_native(function, argument, threads)
        self.elapsed += perf_counter_ns() - started
        self.runs += runs

    def _now(self) -> tuple[int, int]:
        """The time in nanoseconds, and the counter of the CPU at that time."""
        before = perf_counter_ns()
        run_native(self.library.address("ticks"), self.ticks.ctypes.data, 1)
        return (before + perf_counter_ns()) // 2, int(self.ticks[0])

    def _seconds_per_tick(self) -> float:
        missing = self.start[0] + CALIBRATION - perf_counter_ns()
        if missing > 0:
            sleep(missing / 1e9)
        (time, ticks), (first_time, first_ticks) = self._now(), self.start
        return (time - first_time) / max(ticks - first_ticks, 1) / 1e9

    def profile(self) -> Profile:
        """Where the time went since the last reset."""
        width = self.module.clock.stride // 8
        table = self.block.view(np.int64).reshape(self.threads, width)
        entries = table[:, : 2 * self.module.clock.entries].reshape(self.threads, -1, 2)
        seconds, counts = entries[..., 0] * self._seconds_per_tick(), entries[..., 1]
        found = [self._pause(WAITING, clock.WAITING, seconds, counts)] if self.threads > 1 else []
        if self.module.batch:
            found.append(self._pause(GATHERING, clock.GATHERING, seconds, counts))
        for place, (name, written) in enumerate(self.module.uses, clock.FIRST_CALL):
            found.append(self._kernel(name, written, seconds[:, place], counts[:, place]))
        return Profile(tuple(found), self.elapsed / 1e9, self.runs, self.threads, "native")

    def _pause(self, name: str, place: int, seconds: np.ndarray, counts: np.ndarray) -> Entry:
        """Waiting, or the gathering of batches, which reads and writes every row once."""
        calls = int(counts[0, place])
        rows = sum(self.module.size(node) for node in self.module.gathered_nodes)
        return Entry(
            name,
            operations=(),
            lines=(),
            calls=calls,
            seconds=float(seconds[:, place].sum()),
            longest=float(seconds[:, place].max()),
            threads=int(np.count_nonzero(counts[:, place])),
            units=self.module.batch if name == GATHERING else 1,
            bytes=2 * rows * calls if name == GATHERING else 0,
        )

    def _kernel(
        self, name: str, written: Written, seconds: np.ndarray, counts: np.ndarray
    ) -> Entry:
        """One use of a kernel; if it is divided, every thread calls it."""
        nodes, writer = written.kernel.nodes, written.writer
        calls = int(counts.max() if written.shared else counts.sum())
        threads = int(np.count_nonzero(counts))
        return Entry(
            name,
            operations=operations_of(written.kernel),
            lines=lines_of(written.kernel),
            calls=calls,
            seconds=float(seconds.sum()),
            longest=float(seconds.max()),
            threads=min(threads, writer.units) if written.shared else min(threads, 1),
            units=writer.units if written.shared else 1,
            flops=calls * sum(map(product_flops, nodes)),
            bytes=calls * sum(self.module.size(node) for node in writer.buffers),
        )
