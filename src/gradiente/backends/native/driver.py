"""The functions around the kernels: one run of all of them, many steps over data, the barrier.

All threads run the same function, each with its own number. A kernel that is worth it is divided
among them; the others are left to the first thread. Threads wait for each other only where what one
has written is read, or overwritten, by another: between stages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gradiente.backends.native.emit import INDEX, Code, Value

SPINS_BEFORE_YIELD = 2048  # short waits stay on the core; a lost partner gets the core

TEAM = [("ptr", "sync"), ("i64", "thread"), ("i64", "threads")]


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
    """A batch input: rows of `bytes` bytes, collected from the table of pointers' entries."""

    source: int
    target: int
    bytes: int


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
    """One run: every kernel in order of its stage."""
    code = Code("program", [("ptr", "table"), *TEAM])
    for line in pointers:
        code.line(line)
    first = _parameter(code, "thread") == 0
    dirty, previous = False, None
    for call in calls:
        if call.stage != previous:
            stage = [other for other in calls if other.stage == call.stage]
            if previous is not None and (dirty or any(other.shared for other in stage)):
                _wait(code)
                dirty = False
            previous = call.stage
        dirty = dirty or call.shared
        _call(code, call, first)
    if dirty:
        _wait(code)
    return code.text()


def _call(code: Code, call: Call, first: Value) -> None:
    if call.shared:
        begin, end = _share(code, call.units)
        _line(code, call, begin.name, end.name)
    else:
        with code.when(first):
            _line(code, call, "0", str(call.units))


def _line(code: Code, call: Call, begin: str, end: str) -> None:
    pointers = [f"ptr {name}" for name in call.arguments]
    arguments = ", ".join([*pointers, f"i64 {begin}", f"i64 {end}"])
    code.line(f"call void @{call.name}({arguments})")


def steps(gathered: Sequence[Gathered], batch: int, status: int) -> str:
    """`count` steps: collect the rows of a batch by the order, run the program, until one fails."""
    code = Code("steps", [("ptr", "table"), ("ptr", "order"), ("i64", "count"), *TEAM])
    begin, end = _share(code, batch)
    sources = [_entry(code, rows.source) for rows in gathered]
    targets = [_entry(code, rows.target) for rows in gathered]
    flag = _entry(code, status)
    with code.loop(_parameter(code, "count")) as loop:
        failed = code.load(flag, code.index(0), INDEX)
        with code.when(failed == 0):
            with code.loop(end, start=begin) as row:
                chosen = code.load("%order", loop.index * batch + row.index, INDEX)
                for rows, source, target in zip(gathered, sources, targets, strict=True):
                    _copy_row(code, rows.bytes, source, chosen, target, row.index)
            _wait(code)
            code.line("call void @program(ptr %table, ptr %sync, i64 %thread, i64 %threads)")
            _wait(code)
    return code.text()


def _entry(code: Code, position: int) -> str:
    at = code.assign(f"getelementptr ptr, ptr %table, i64 {position}", INDEX)
    return code.assign(f"load ptr, ptr {at.name}", INDEX).name


def _copy_row(code: Code, size: int, source: str, chosen: Value, target: str, row: Value) -> None:
    code.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    read = code.assign(f"getelementptr i8, ptr {source}, i64 {(chosen * size).name}", INDEX)
    write = code.assign(f"getelementptr i8, ptr {target}, i64 {(row * size).name}", INDEX)
    code.line(
        f"call void @llvm.memcpy.p0.p0.i64(ptr {write.name}, ptr {read.name}, i64 {size}, i1 false)"
    )


def barrier(triple: str) -> tuple[str, str]:
    """All threads meet: the last to arrive starts a new round, the others wait for its number.

    The two counters, arrivals and rounds, lie in cache lines of their own. Returns declarations
    and the function.
    """
    pause, give_way, declarations = _waiting(triple)
    text = f"""define void @barrier(ptr %sync, i64 %threads) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %rounds = getelementptr i64, ptr %sync, i64 16
  %round = load atomic i64, ptr %rounds acquire, align 8
  %before = atomicrmw add ptr %sync, i64 1 acq_rel
  %arrived = add i64 %before, 1
  %last = icmp eq i64 %arrived, %threads
  br i1 %last, label %release, label %spin
release:
  store atomic i64 0, ptr %sync monotonic, align 8
  %next = add i64 %round, 1
  store atomic i64 %next, ptr %rounds release, align 8
  br label %done
spin:
  %spins = phi i64 [ 0, %arrive ], [ %more, %again ]
  {pause}
  %now = load atomic i64, ptr %rounds acquire, align 8
  %waiting = icmp eq i64 %now, %round
  br i1 %waiting, label %patience, label %done
patience:
  %more = add i64 %spins, 1
  %rest = urem i64 %more, {SPINS_BEFORE_YIELD}
  %long = icmp eq i64 %rest, 0
  br i1 %long, label %yield, label %again
yield:
  {give_way}
  br label %again
again:
  br label %spin
done:
  ret void
}}
"""
    return declarations, text


def _waiting(triple: str) -> tuple[str, str, str]:
    """The instruction that waits a moment, and the call that lets other threads run."""
    if triple.startswith(("x86_64", "i686")):
        pause, declaration = (
            "call void @llvm.x86.sse2.pause()",
            "declare void @llvm.x86.sse2.pause()",
        )
    elif triple.startswith(("aarch64", "arm64")):
        pause, declaration = (
            "call void @llvm.aarch64.hint(i32 1)",
            "declare void @llvm.aarch64.hint(i32)",
        )
    else:
        pause, declaration = "", ""
    word = "SwitchToThread" if "windows" in triple else "sched_yield"
    return pause, f"call i32 @{word}()", f"{declaration}\ndeclare i32 @{word}()"
