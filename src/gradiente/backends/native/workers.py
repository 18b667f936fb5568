"""Threads that run native code together: one function, each thread with its own number.

The threads of the pool sleep in Python and are woken once for a piece of work of many steps; inside
it they meet at native barriers. One piece of work uses the pool at a time: who finds it taken works
alone, with the same results to the last bit.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from gradiente.base.settings import setting

Work = Callable[[int, int], None]


def available_threads() -> int:
    """How many threads may run at once: the setting, or the CPUs this process is given."""
    wanted = setting("GRADIENTE_THREADS")
    if wanted:
        return max(int(wanted), 1)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(min(allowed or 1, _quota()), 1)


def _quota() -> int:
    """Whole CPUs of a container's quota; without one, as many as anybody could have."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        return max(int(quota) // int(period), 1)
    except (OSError, ValueError):  # no such file, or the quota is the word "max"
        return 1 << 16


class Pool:
    """Sleeping threads; `run(work, threads)` calls work(number, threads) on that many at once."""

    def __init__(self) -> None:
        self.queues: list[SimpleQueue[Any]] = []
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()
        self.lock = threading.Lock()

    def run(self, work: Work, threads: int) -> None:
        """Run on this thread and on `threads` - 1 of the pool; return when all have finished."""
        if threads <= 1 or not self.lock.acquire(blocking=False):
            work(0, 1)
            return
        try:
            self._grow(threads - 1)
            for number in range(1, threads):
                self.queues[number - 1].put((work, number, threads))
            work(0, threads)
            self._wait(threads - 1)
        finally:
            self.lock.release()

    def _wait(self, count: int) -> None:
        """Collect all who worked, even if Ctrl-C comes in between; then let it through."""
        interrupted: BaseException | None = None
        while count:
            try:
                self.done.get()
                count -= 1
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _grow(self, count: int) -> None:
        while len(self.queues) < count:
            queue: SimpleQueue[Any] = SimpleQueue()
            name = f"gradiente-{len(self.queues) + 1}"
            threading.Thread(target=_work, args=(queue, self.done), name=name, daemon=True).start()
            self.queues.append(queue)


def _work(queue: "SimpleQueue[Any]", done: "SimpleQueue[Any]") -> None:
    while True:
        work, number, threads = queue.get()
        work(number, threads)
        done.put(None)


pool = Pool()


def _forget() -> None:
    """After a fork the child has no threads: it starts with an empty pool."""
    global pool
    pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def run_together(work: Work, threads: int) -> None:
    """Run native work on a number of threads."""
    pool.run(work, threads)
