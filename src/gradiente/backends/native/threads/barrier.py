"""How native threads wait for each other: a word that one waits on and another changes; a barrier.

A waiting thread first spins, because a partner that runs will be there within microseconds. Then it
sleeps in the operating system, because a partner that does not run needs the core. The lowest bit
of a word says that somebody sleeps on it: who changes a word that nobody sleeps on never enters the
operating system. The bits above it are a counter of changes.
"""

from dataclasses import dataclass

LINE = 128  # bytes: two cache lines, as CPUs fetch them in pairs
SYNC_BYTES = 2 * LINE  # a barrier's memory, zeroed: a line for arrivals, a line for rounds
STEP = 2  # what a change adds to a word; the bit below it belongs to who sleeps

SPINS = 2000  # looks at a word before its thread sleeps: 20 to 50 microseconds


@dataclass(frozen=True)
class System:
    """LLVM's text for what operating systems and CPUs do differently.

    sleep: returns when %word, a 32-bit word, is woken, or soon if it is not %asleep.
    wake: wakes all that sleep on %word.
    """

    declarations: str
    sleep: str
    wake: str


def _linux(number: int) -> System:
    """Futexes, through the system call of this number; private ones: within one process."""
    call = f"call i64 (i64, ...) @syscall(i64 {number}, ptr %word,"
    return System(
        "declare i64 @syscall(i64, ...)",
        f"{call} i64 128, i32 %asleep, ptr null)",
        f"{call} i64 129, i32 {2**31 - 1})",
    )


# Exported by kernelbase.dll, which every process has loaded since Windows 8.
WINDOWS = System(
    "declare i32 @WaitOnAddress(ptr, ptr, i64, i32)\ndeclare void @WakeByAddressAll(ptr)",
    "store i32 %asleep, ptr %compared\n"
    "  call i32 @WaitOnAddress(ptr %word, ptr %compared, i64 4, i32 -1)",
    "call void @WakeByAddressAll(ptr %word)",
)

# What Apple's own C++ library waits with; 1: compare and wait, 256: wake all.
MACOS = System(
    "declare i32 @__ulock_wait(i32, ptr, i64, i32)\ndeclare i32 @__ulock_wake(i32, ptr, i64)",
    "%wide = zext i32 %asleep to i64\n  call i32 @__ulock_wait(i32 1, ptr %word, i64 %wide, i32 0)",
    "call i32 @__ulock_wake(i32 257, ptr %word, i64 0)",
)

# Where nothing better is known: no sleep, but others get the core.
POLLING = System("declare i32 @sched_yield()", "call i32 @sched_yield()", "")


def system_of(triple: str) -> System:
    """How threads sleep on the system that LLVM calls `triple`."""
    if "windows" in triple:
        return WINDOWS
    if "darwin" in triple or "macos" in triple:
        return MACOS
    if "linux" in triple and triple.startswith("x86_64"):
        return _linux(202)
    if "linux" in triple and triple.startswith(("aarch64", "riscv64")):
        return _linux(98)
    return POLLING


def _pause(triple: str) -> tuple[str, str]:
    """The declaration and the call of the instruction that waits a moment between two looks."""
    if triple.startswith(("x86_64", "i686")):
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if triple.startswith(("aarch64", "arm64")):  # `isb`: there, `yield` does not wait at all
        return "declare void @llvm.aarch64.isb(i32)", "call void @llvm.aarch64.isb(i32 15)"
    return "", ""


def waiting(triple: str) -> tuple[str, str]:
    """Declarations, and the functions `@await(word, seen)` and `@change(word, value)`.

    `@await` returns when the word is no longer `seen`, and sees all that was written before the
    change. `seen` and `value` are counters: their lowest bit is zero.
    """
    declaration, pause = _pause(triple)
    system = system_of(triple)
    text = f"""define internal void @await(ptr %word, i32 %seen) noinline {{
entry:
  %compared = alloca i32
  %asleep = or i32 %seen, 1
  br label %look
look:
  %spins = phi i32 [ 0, %entry ], [ %more, %spin ], [ %spins, %sleep ]
  %now = load atomic i32, ptr %word acquire, align 4
  %counter = and i32 %now, -2
  %same = icmp eq i32 %counter, %seen
  br i1 %same, label %patience, label %done
patience:
  %short = icmp ult i32 %spins, {SPINS}
  br i1 %short, label %spin, label %sleep
spin:
  {pause}
  %more = add i32 %spins, 1
  br label %look
sleep:
  ; If the word changes before this thread sleeps, the system finds it changed and returns.
  %marked = cmpxchg ptr %word, i32 %seen, i32 %asleep acq_rel acquire, align 4
  {system.sleep}
  br label %look
done:
  ret void
}}
define internal void @change(ptr %word, i32 %value) {{
entry:
  %before = atomicrmw xchg ptr %word, i32 %value acq_rel, align 4
  %bit = and i32 %before, 1
  %nobody = icmp eq i32 %bit, 0
  br i1 %nobody, label %done, label %wake
wake:
  {system.wake}
  br label %done
done:
  ret void
}}
"""
    return f"{declaration}\n{system.declarations}", text


def barrier(triple: str) -> tuple[str, str]:
    """All threads meet: the last to arrive starts a new round, the others wait for that.

    Returns declarations and the functions, of which `void @barrier(ptr %sync, i64 %threads)` is the
    one to call, with SYNC_BYTES zeroed bytes that the threads share.
    """
    declarations, functions = waiting(triple)
    text = f"""{functions}define void @barrier(ptr %sync, i64 %threads) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %rounds = getelementptr i8, ptr %sync, i64 {LINE}
  %marked = load atomic i32, ptr %rounds acquire, align 4
  %round = and i32 %marked, -2
  %before = atomicrmw add ptr %sync, i64 1 acq_rel, align 8
  %arrived = add i64 %before, 1
  %last = icmp eq i64 %arrived, %threads
  br i1 %last, label %release, label %wait
release:
  store atomic i64 0, ptr %sync monotonic, align 8
  %next = add i32 %round, {STEP}
  call void @change(ptr %rounds, i32 %next)
  br label %done
wait:
  call void @await(ptr %rounds, i32 %round)
  br label %done
done:
  ret void
}}
"""
    return declarations, text
