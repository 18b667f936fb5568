"""The functions around the kernels: one run of all of them, many steps over data, the barrier.

All threads run the same function, each with its own number. A kernel that is worth it is divided
among them; the others are left to the first thread. Threads wait for each other only where what one
has written is read, or overwritten, by another: between stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradiente.backends.native.barrier import barrier as barrier
from gradiente.backends.native.emit import INDEX, Code, Value

TEAM = [("ptr", "table"), ("i64", "thread"), ("i64", "threads")]


@dataclass(frozen=True)
class Call:
    """A kernel as the program calls it: name, pointers, and its units of work."""

    stage: int
    name: str
    arguments: tuple[str, ...]
    units: int
    shared: bool


@dataclass(frozen=True)
class Gathered:
    """A batch input: rows of `bytes` bytes, put `stride` bytes apart.

    source, target: entries of the table of pointers.
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


def _wait(code: Code) -> None:
    code.line("call void @barrier(ptr %sync, i64 %threads)")


def program(calls: Sequence[Call], pointers: Sequence[str]) -> str:
    """One run: every kernel in order of its stage.

    Kernels that are not divided run on one thread each, in turn.
    """
    code = Code("program", TEAM)
    for line in pointers:
        code.line(line)
    dirty = False
    for number in sorted({call.stage for call in calls}):
        stage = [call for call in calls if call.stage == number]
        alone = not any(call.shared for call in stage) and len(stage) == 1
        if dirty:
            _wait(code)
        for call in stage:
            if call.shared:
                begin, end = _share(code, call.units)
                _line(code, call, begin.name, end.name)
        undivided = [call for call in stage if not call.shared]
        for turn, call in enumerate(undivided):
            owner = code.binary("urem", Value(code, str(turn), INDEX), _parameter(code, "threads"))
            with code.when(_parameter(code, "thread") == owner):
                _line(code, call, "0", str(call.units))
        dirty = dirty or not alone
        if dirty and alone:
            dirty = True
    if dirty:
        _wait(code)
    return code.text()


def _line(code: Code, call: Call, begin: str, end: str) -> None:
    pointers = [f"ptr {name}" for name in call.arguments]
    arguments = ", ".join([*pointers, f"i64 {begin}", f"i64 {end}"])
    code.line(f"call void @{call.name}({arguments})")


def steps(gathered: Sequence[Gathered], batch: int, slots: Mapping[str, int]) -> str:
    """Many steps: collect the rows of a batch by the order, run the program, until one fails."""
    code = Code("steps", TEAM)
    begin, end = _share(code, batch)
    sources = [_entry(code, rows.source) for rows in gathered]
    targets = [_entry(code, rows.target) for rows in gathered]
    flag, order, sync = (_entry(code, slots[name]) for name in ("status", "order", "sync"))
    code.line(f"%sync = getelementptr i8, ptr {sync}, i64 0")
    count = code.assign(f"ptrtoint ptr {_entry(code, slots['count'])} to i64", INDEX)
    with code.loop(count) as loop:
        failed = code.load(flag, code.index(0), INDEX)
        with code.when(failed == 0):
            with code.loop(end, start=begin) as row:
                chosen = code.load(order, loop.index * batch + row.index, INDEX)
                for rows, source, target in zip(gathered, sources, targets, strict=True):
                    _copy_row(code, rows, source, chosen, target, row.index)
            _wait(code)
            code.line("call void @program(ptr %table, i64 %thread, i64 %threads)")
            _wait(code)
    return code.text()


def _entry(code: Code, position: int) -> str:
    at = code.assign(f"getelementptr ptr, ptr %table, i64 {position}", INDEX)
    return code.assign(f"load ptr, ptr {at.name}", INDEX).name


def _copy_row(
    code: Code, rows: Gathered, source: str, chosen: Value, target: str, row: Value
) -> None:
    code.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    read = code.assign(f"getelementptr i8, ptr {source}, i64 {(chosen * rows.bytes).name}", INDEX)
    write = code.assign(f"getelementptr i8, ptr {target}, i64 {(row * rows.stride).name}", INDEX)
    code.line(
        f"call void @llvm.memcpy.p0.p0.i64(ptr {write.name}, ptr {read.name}, "
        f"i64 {rows.bytes}, i1 false)"
    )
