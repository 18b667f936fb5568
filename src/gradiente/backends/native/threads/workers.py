"""Threads that run native code together: one function, each thread with its own number.

The workers are native loops in daemon threads; Python's lock on the interpreter is free while they
run and while they wait. A piece of work is handed over in native code and has ended everywhere when
that returns, so no exception of Python can come in between. One piece uses the team at a time: who
finds it taken works alone, with the same results to the last bit.
"""

import atexit
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from gradiente.backends.native.machine.engine import Library, compile_text
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.threads.barrier import LINE, STEP, waiting
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.settings import setting

MOST_THREADS = 1024

# The memory of a team. First, in lines of their own: its state, and how many workers it has.
FREE, BUSY, CLOSED = 0, 1, 2  # CLOSED is a bit: a team can be closed while it is busy
COUNT = LINE
# Then a place for each thread, the caller's left unused: a line it reads, and a line it writes.
PLACE = 2 * LINE
FUNCTION, ARGUMENT, THREADS, DONE = 8, 16, 24, LINE  # after the word the worker waits on

SECONDS_TO_STOP = 2.0  # how long the end of the interpreter waits for a piece of work that runs

Work = Callable[[int, int], None]
ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def available_threads() -> int:
    """How many threads may run at once: the setting, or the CPUs this process is given."""
    wanted = setting("GRADIENTE_THREADS")
    if not wanted:
        return processors()
    number = int(wanted) if wanted.strip().isdecimal() else 0
    return _sensible(number, wanted, "GRADIENTE_THREADS", "leave it empty")


def thread_count(threads: int | None) -> int:
    """The number of threads for the argument `threads=`; None: as many as are available."""
    if threads is None:
        return available_threads()
    whole = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    return _sensible(int(threads) if whole else 0, threads, "threads", "pass None")


def _sensible(number: int, given: object, name: str, otherwise: str) -> int:
    if not 1 <= number <= MOST_THREADS:
        raise InvalidArgumentError(
            f"{name} must be a whole number from 1 to {MOST_THREADS}, got {given!r}; "
            f"{otherwise} to use all CPUs this process is given ({processors()})."
        )
    return number


def processors() -> int:
    """The CPUs this process may use: its affinity mask, cut to the quota of its container."""
    if sys.version_info >= (3, 13):
        allowed = os.process_cpu_count() or 1  # also heeds PYTHON_CPU_COUNT
    elif hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return min(allowed, _quota())


def _quota() -> int:
    """Whole CPUs of the quotas on this process; without one, more than anybody has."""
    quotas = (
        whole_cpus(" ".join(_read(f"{folder}/{file}") for file in files.split()))
        for folder, files in quota_files(_read("/proc/self/cgroup"))
    )
    return min((quota for quota in quotas if quota is not None), default=MOST_THREADS)


def quota_files(groups: str) -> list[tuple[str, str]]:
    """Folders and files where quotas may stand, given the text of /proc/self/cgroup.

    A quota of any folder above holds too. Inside a container the path may be the one outside: then
    only the root, where its own folder is mounted, exists.
    """
    found = []
    for line in groups.splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            mounts, files = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "cpu.max"
        elif "cpu" in controllers.split(","):
            mounts = ["/sys/fs/cgroup/cpu", f"/sys/fs/cgroup/{controllers}"]
            files = "cpu.cfs_quota_us cpu.cfs_period_us"
        else:
            continue
        inside = PurePosixPath("/", path)
        for folder in [inside, *inside.parents]:
            if ".." not in folder.parts:
                found += [(f"{mount}{folder}".rstrip("/"), files) for mount in mounts]
    return found


def whole_cpus(quota_and_period: str) -> int | None:
    """Whole CPUs of a quota, at least one; None if there is no limit.

    Rounded down: threads that wait for each other gain nothing from a part of a CPU.
    """
    try:
        quota, period = (int(word) for word in quota_and_period.split())
    except ValueError:  # no such file, or the quota is the word "max"
        return None
    return max(quota // period, 1) if quota > 0 and period > 0 else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def team_text(triple: str) -> str:
    """The native functions of a team: `work`, the loop of a worker; `run` and `close`."""
    declarations, functions = waiting(triple)
    return f"{declarations}\n{functions}{_WORK}{_RUN}{_CLOSE}"


# A worker takes the next number when it starts; so there is no doubt who has which number, or how
# many there are, whatever happens in Python while a thread is started.
_WORK = f"""
define void @work(ptr %team) {{
entry:
  %count = getelementptr i8, ptr %team, i64 {COUNT}
  %before = atomicrmw add ptr %count, i32 1 seq_cst, align 4
  %worker = add i32 %before, 1
  %thread = zext i32 %worker to i64
  %bytes = mul i64 %thread, {PLACE}
  %place = getelementptr i8, ptr %team, i64 %bytes
  %at.function = getelementptr i8, ptr %place, i64 {FUNCTION}
  %at.argument = getelementptr i8, ptr %place, i64 {ARGUMENT}
  %at.threads = getelementptr i8, ptr %place, i64 {THREADS}
  %done = getelementptr i8, ptr %place, i64 {DONE}
  %state = load atomic i32, ptr %team seq_cst, align 4
  %closed = icmp uge i32 %state, {CLOSED}
  br i1 %closed, label %leave, label %rest
rest:
  %seen = phi i32 [ 0, %entry ], [ %round, %start ]
  call void @await(ptr %place, i32 %seen)
  %round = add i32 %seen, {STEP}
  %function = load ptr, ptr %at.function
  %stop = icmp eq ptr %function, null
  br i1 %stop, label %leave, label %start
start:
  %argument = load ptr, ptr %at.argument
  %threads = load i64, ptr %at.threads
  call void %function(ptr %argument, i64 %thread, i64 %threads)
  call void @change(ptr %done, i32 %round)
  br label %rest
leave:
  ret void
}}
"""

# `hand` gives one worker its piece of work; `collect` waits until it has done it.
_RUN = f"""
define internal void @hand(ptr %team, i64 %thread, ptr %function, ptr %argument, i64 %threads) {{
  %bytes = mul i64 %thread, {PLACE}
  %place = getelementptr i8, ptr %team, i64 %bytes
  %at.function = getelementptr i8, ptr %place, i64 {FUNCTION}
  %at.argument = getelementptr i8, ptr %place, i64 {ARGUMENT}
  %at.threads = getelementptr i8, ptr %place, i64 {THREADS}
  store ptr %function, ptr %at.function
  store ptr %argument, ptr %at.argument
  store i64 %threads, ptr %at.threads
  %marked = load atomic i32, ptr %place monotonic, align 4
  %seen = and i32 %marked, -2
  %round = add i32 %seen, {STEP}
  call void @change(ptr %place, i32 %round)
  ret void
}}
define internal void @collect(ptr %team, i64 %thread) {{
  %bytes = mul i64 %thread, {PLACE}
  %place = getelementptr i8, ptr %team, i64 %bytes
  %done = getelementptr i8, ptr %place, i64 {DONE}
  %marked = load atomic i32, ptr %place monotonic, align 4
  %round = and i32 %marked, -2
  %seen = sub i32 %round, {STEP}
  call void @await(ptr %done, i32 %seen)
  ret void
}}
define void @run(ptr %team, ptr %function, ptr %argument, i64 %wanted) {{
entry:
  %taken = cmpxchg ptr %team, i32 {FREE}, i32 {BUSY} seq_cst seq_cst, align 4
  %mine = extractvalue {{ i32, i1 }} %taken, 1
  br i1 %mine, label %begin, label %alone
alone:
  call void %function(ptr %argument, i64 0, i64 1)
  ret void
begin:
  %count = getelementptr i8, ptr %team, i64 {COUNT}
  %workers = load atomic i32, ptr %count acquire, align 4
  %last = zext i32 %workers to i64
  %most = add i64 %last, 1
  %fewer = icmp ult i64 %most, %wanted
  %threads = select i1 %fewer, i64 %most, i64 %wanted
  br label %start
start:
  %thread = phi i64 [ 1, %begin ], [ %next, %give ]
  %all = icmp sge i64 %thread, %threads
  br i1 %all, label %together, label %give
give:
  call void @hand(ptr %team, i64 %thread, ptr %function, ptr %argument, i64 %threads)
  %next = add i64 %thread, 1
  br label %start
together:
  call void %function(ptr %argument, i64 0, i64 %threads)
  br label %finish
finish:
  %other = phi i64 [ 1, %together ], [ %after, %take ]
  %finished = icmp sge i64 %other, %threads
  br i1 %finished, label %free, label %take
take:
  call void @collect(ptr %team, i64 %other)
  %after = add i64 %other, 1
  br label %finish
free:
  %busy = atomicrmw and ptr %team, i32 {CLOSED} seq_cst, align 4
  ret void
}}
"""

# Nobody gets a closed team again. Workers are sent away once no piece of work runs: until then,
# `close` must be called again.
_CLOSE = f"""
define void @close(ptr %team) {{
entry:
  %state = atomicrmw or ptr %team, i32 {CLOSED} seq_cst, align 4
  %bit = and i32 %state, {BUSY}
  %busy = icmp eq i32 %bit, {BUSY}
  br i1 %busy, label %done, label %begin
begin:
  %count = getelementptr i8, ptr %team, i64 {COUNT}
  %workers = load atomic i32, ptr %count seq_cst, align 4
  %most = zext i32 %workers to i64
  br label %look
look:
  %thread = phi i64 [ 1, %begin ], [ %next, %send ]
  %all = icmp ugt i64 %thread, %most
  br i1 %all, label %done, label %send
send:
  call void @hand(ptr %team, i64 %thread, ptr null, ptr null, i64 0)
  %next = add i64 %thread, 1
  br label %look
done:
  ret void
}}
"""


class Team:
    """The workers of this process, started when they are first needed.

    It keeps the library of its native loops: code must not go while a thread runs it.
    """

    def __init__(self, library: Library):
        self.library = library
        self.memory = np.zeros((MOST_THREADS + 1) * PLACE, np.uint8)
        self.address = -(-self.memory.ctypes.data // LINE) * LINE
        self.state = ctypes.c_int32.from_address(self.address)
        self.count = ctypes.c_int32.from_address(self.address + COUNT)
        pointer = ctypes.c_void_p
        self.native_run = library.function("run", *[pointer] * 3, ctypes.c_int64)
        self.native_work = library.function("work", pointer)
        self.native_close = library.function("close", pointer)
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()

    def run(self, function: int, argument: int, threads: int) -> None:
        """Run a native function on this thread and `threads` - 1 workers, as many as there are."""
        threads = min(threads, MOST_THREADS)
        if self.count.value < threads - 1:
            self._hire(threads - 1)
        self.native_run(self.address, function, argument, threads)

    def _hire(self, wanted: int) -> None:
        """Start workers until there are `wanted`, or the system gives no more threads."""
        with self.lock:
            while (before := self.count.value) < wanted and not self.state.value & CLOSED:
                name = f"gradiente-{before + 1}"
                arguments = (self.address,)
                thread = threading.Thread(
                    target=self.native_work, args=arguments, name=name, daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:
                    return
                self.threads.append(thread)
                while self.count.value == before and thread.is_alive():
                    time.sleep(1e-4)

    def close(self) -> bool:
        """Send all workers home and wait for them; False if one still works after a while."""
        deadline = time.monotonic() + SECONDS_TO_STOP
        self.native_close(self.address)
        while self.state.value & BUSY and time.monotonic() < deadline:
            time.sleep(1e-3)
            self.native_close(self.address)
        for thread in self.threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self.threads)


_team: Team | None = None
_library: Library | None = None  # compiled once; a child of a fork finds it in its memory
_lock = threading.Lock()


def _current_team() -> Team:
    global _team, _library
    if _team is None:
        with _lock:
            if _library is None:
                _library = compile_text(team_text(host().triple))
            if _team is None:
                _team = Team(_library)
    return _team


def _forget() -> None:
    """After a fork the child has no workers, and nobody in it holds the lock: it starts anew."""
    global _team, _lock
    _team, _lock = None, threading.Lock()


def _end() -> None:
    """At the end of the interpreter: no thread may run code that is about to be unmapped."""
    if _team is not None and not _team.close():
        # A daemon thread still computes, and its workers with it. They end with the process; until
        # then, their code and memory must stay.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_team))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(_end)


def run_native(address_of_function: int, argument: int, threads: int) -> None:
    """Run native `void f(ptr argument, i64 thread, i64 threads)` on all threads; wait for all.

    This thread is number 0. The function must work for every number of threads: where the workers
    are taken, or there are too few, it is called with fewer. Keep the code alive during the call.
    """
    if threads <= 1:
        ENTRY(address_of_function)(argument, 0, 1)
    else:
        _current_team().run(address_of_function, argument, threads)


def run_together(work: Work, threads: int) -> None:
    """Run work(thread, threads), a function of Python, on a number of threads; wait for all."""
    errors: list[BaseException] = []

    def guarded(_: Any, thread: int, threads: int) -> None:
        try:
            work(thread, threads)
        except BaseException as error:
            errors.append(error)

    entry = ENTRY(guarded)
    run_native(ctypes.cast(entry, ctypes.c_void_p).value or 0, 0, threads)
    if errors:
        raise errors[0]
