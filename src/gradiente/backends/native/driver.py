"""The functions around the kernels: one run of all of them, many steps over data, the barrier.

All threads run the same function, each with its own number. A kernel that is worth it is divided
among them; the others are left to the first thread. Threads wait for each other only where what one
has written is read, or overwritten, by another: between stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradiente.backends.native.clock import FIRST_CALL, GATHERING, UNTIMED, WAITING, Clock
from gradiente.backends.native.language.emit import Code, Value
from gradiente.backends.native.language.kind import INDEX
from gradiente.backends.native.threads.barrier import LINE
from gradiente.backends.native.threads.barrier import barrier as barrier

ASKED_FOR = 64 * 1024  # bytes of a batch that may wait in the cache, at most
PORTIONS = 2  # of what is left of a long kernel, for each thread

TEAM = [("ptr", "table"), ("i64", "thread"), ("i64", "threads")]


@dataclass(frozen=True)
class Call:
    """A kernel as the program calls it: name, pointers, and its units of work.

    shared: whether the units are divided among the threads. counter: for long kernels, where in
    the memory of the barrier the number of units already taken stands; then each thread takes the
    next few when it is ready, so that one which is held up does not hold up the others.
    """

    stage: int
    name: str
    arguments: tuple[str, ...]
    units: int
    shared: bool
    counter: int = 0


@dataclass(frozen=True)
class Gathered:
    """A batch input: rows of `bytes` bytes, put `stride` bytes apart.

    source, target: entries of the table of pointers. The rows of the source may overlap.
    """

    source: int
    target: int
    bytes: int
    stride: int


def _parameter(code: Code, name: str) -> Value:
    return Value(code, f"%{name}", INDEX)


def _share(code: Code, units: int) -> tuple[Value, Value]:
    """The units of work of this thread: equal runs, in order."""
    thread, threads = _parameter(code, "thread"), _parameter(code, "threads")
    begin = code.binary("sdiv", thread * units, threads)
    return begin, code.binary("sdiv", (thread + 1) * units, threads)


def _wait(code: Code, clock: Clock) -> None:
    with clock.measures(code, WAITING):
        code.line("call void @barrier(ptr %sync, i64 %threads)")


def program(
    calls: Sequence[Call],
    phases: Mapping[int, int],
    pointers: Sequence[str],
    clock: Clock = UNTIMED,
) -> str:
    """One run: every kernel in order of its stage; threads wait for each other between phases.

    Kernels that are not divided run on one thread each, in turn, from the first on. The caller
    waits for the last phase. clock: measures each call, as the entry of its place among the calls.
    """
    entries = {id(call): FIRST_CALL + place for place, call in enumerate(calls)}
    code = Code("program", TEAM)
    for line in pointers:
        code.line(line)
    clock.begin(code, "%times")
    phase = 0
    for number in sorted({call.stage for call in calls}):
        if phases[number] != phase:
            phase = phases[number]
            _wait(code, clock)
        stage = [call for call in calls if call.stage == number]
        for call in stage:
            if call.shared:
                with clock.measures(code, entries[id(call)]):
                    _shared(code, call)
        undivided = [call for call in stage if not call.shared]
        for turn, call in enumerate(undivided):
            owner = code.binary("urem", Value(code, str(turn), INDEX), _parameter(code, "threads"))
            mine = _parameter(code, "thread") == owner
            with code.when(mine), clock.measures(code, entries[id(call)]):
                _line(code, call, "0", str(call.units))
    return code.text()


def _shared(code: Code, call: Call) -> None:
    """This thread's part of a kernel."""
    if not call.counter:
        begin, end = _share(code, call.units)
        _line(code, call, begin.name, end.name)
        return
    portions = _parameter(code, "threads") * PORTIONS
    place = code.address("%sync", code.index(call.counter), np.dtype(np.uint8))
    label = code.fresh("take")
    code.line(f"br label %{label}")
    code.begin(label)
    begin = code.assign(f"load atomic i64, ptr {place} monotonic, align 8", INDEX)
    goes_on = begin < call.units
    code.line(f"br i1 {goes_on.name}, label %{label}.some, label %{label}.none")
    code.begin(f"{label}.some")
    few = code.binary("sdiv", code.index(call.units) - begin, portions)
    end = begin + code.intrinsic("smax", few, code.index(1))
    order = f"i64 {begin.name}, i64 {end.name} monotonic monotonic, align 8"
    taken = code.fresh("taken")
    code.line(f"%{taken} = cmpxchg ptr {place}, {order}")
    code.line(f"%{taken}.mine = extractvalue {{ i64, i1 }} %{taken}, 1")
    code.line(f"br i1 %{taken}.mine, label %{label}.run, label %{label}")
    code.begin(f"{label}.run")
    _line(code, call, begin.name, end.name)
    code.line(f"br label %{label}")
    code.begin(f"{label}.none")


def _line(code: Code, call: Call, begin: str, end: str) -> None:
    pointers = [f"ptr {name}" for name in call.arguments]
    arguments = ", ".join([*pointers, f"i64 {begin}", f"i64 {end}"])
    code.line(f"call void @{call.name}({arguments})")


def steps(
    gathered: Sequence[Gathered],
    rows: tuple[int, int],
    slots: Mapping[str, int],
    counters: Sequence[int],
    clock: Clock = UNTIMED,
) -> str:
    """Many steps: collect the rows of a batch by the order, run the program, until one fails.

    rows: how many a batch has, and how many of them a thread gathers at least.
    counters: those of long kernels, which must be 0 before each run of the program.
    """
    code = Code("steps", TEAM)
    batch, block = rows
    begin, end = (limit * block for limit in _share(code, batch // block))
    sources = [_entry(code, column.source) for column in gathered]
    targets = [_entry(code, column.target) for column in gathered]
    apart = _entry(code, slots["distances"])
    distances = [code.load(apart, code.index(i), INDEX) for i in range(len(gathered))]
    columns = [*zip(gathered, sources, distances, strict=True)]
    flag, order, sync = (_entry(code, slots[name]) for name in ("status", "order", "sync"))
    code.line(f"%sync = getelementptr i8, ptr {sync}, i64 0")
    if "times" in slots:
        clock.begin(code, _entry(code, slots["times"]))
    count = code.assign(f"ptrtoint ptr {_entry(code, slots['count'])} to i64", INDEX)
    with code.loop(count) as loop:
        failed = code.load(flag, code.index(0), INDEX)
        with code.when(failed == 0):
            with clock.measures(code, GATHERING), code.loop(end, start=begin) as row:
                chosen = code.load(order, loop.index * batch + row.index, INDEX)
                for (column, source, distance), target in zip(columns, targets, strict=True):
                    _copy_row(code, column, source, chosen * distance, target, row.index)
            following = code.smaller(loop.index + 1, count - 1)
            with code.loop(end, start=begin) as row:
                chosen = code.load(order, following * batch + row.index, INDEX)
                for column, source, distance in columns:
                    _ask_for_row(code, column, batch, source, chosen * distance)
            code.line("call void @program(ptr %table, i64 %thread, i64 %threads)")
            _wait(code, clock)
            with code.when(_parameter(code, "thread") == 0):
                for counter in counters:
                    code.store(code.index(0), "%sync", code.index(counter // 8))
    return code.text()


def _ask_for_row(code: Code, rows: Gathered, batch: int, source: str, place: Value) -> None:
    """Bring a row of the next batch into the cache while this one is computed; if it fits there."""
    if rows.bytes * batch <= ASKED_FOR:
        for offset in range(0, rows.bytes + LINE // 2, LINE // 2):
            code.prefetch(source, place + offset, np.dtype(np.uint8))


def _entry(code: Code, position: int) -> str:
    at = code.assign(f"getelementptr ptr, ptr %table, i64 {position}", INDEX)
    return code.assign(f"load ptr, ptr {at.name}", INDEX).name


def _copy_row(
    code: Code, rows: Gathered, source: str, place: Value, target: str, row: Value
) -> None:
    code.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    read = code.assign(f"getelementptr i8, ptr {source}, i64 {place.name}", INDEX)
    write = code.assign(f"getelementptr i8, ptr {target}, i64 {(row * rows.stride).name}", INDEX)
    code.line(
        f"call void @llvm.memcpy.p0.p0.i64(ptr {write.name}, ptr {read.name}, "
        f"i64 {rows.bytes}, i1 false)"
    )
