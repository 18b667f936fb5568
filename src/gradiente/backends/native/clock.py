"""Code that measures other code: a counter of the CPU is read before and after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gradiente.backends.native.language.emit import Code
from gradiente.backends.native.language.kind import INDEX
from gradiente.backends.native.threads.barrier import LINE

GATHERING, WAITING, FIRST_CALL = 0, 1, 2  # entries of the table: kernels follow
ENTRY = 16  # bytes: the ticks, and how often


@dataclass(frozen=True)
class Counter:
    """LLVM's text for a counter of steady pace that programs may read.

    settle: an instruction that waits until those before it are done, or none.
    """

    declarations: str
    read: str
    settle: str = ""


X86 = Counter(
    "declare i64 @llvm.readcyclecounter()\ndeclare void @llvm.x86.sse2.lfence()",
    "call i64 @llvm.readcyclecounter()",
    "call void @llvm.x86.sse2.lfence()",
)

# There, some versions of LLVM take the cycle counter for one that systems forbid to programs.
ARM = Counter(
    'declare i64 @llvm.read_volatile_register.i64(metadata)\n!0 = !{!"cntvct_el0"}',
    "call i64 @llvm.read_volatile_register.i64(metadata !0)",
)


@dataclass(frozen=True)
class Clock:
    """What emits the measuring code; without entries, it emits nothing.

    Every thread adds to a table of its own, of `stride` bytes.
    """

    triple: str = ""
    entries: int = 0

    @property
    def stride(self) -> int:
        """Bytes of the table of one thread: whole cache lines, so that no two threads share one."""
        return -(-self.entries * ENTRY // LINE) * LINE

    @property
    def counter(self) -> Counter:
        """The counter of this CPU."""
        return ARM if self.triple.startswith(("aarch64", "arm64")) else X86

    def begin(self, code: Code, table: str) -> None:
        """At the start of a function: find the table of its thread."""
        if self.entries:
            code.line(f"%clock.place = mul i64 %thread, {self.stride}")
            code.line(f"%clock = getelementptr i8, ptr {table}, i64 %clock.place")

    @contextmanager
    def measures(self, code: Code, entry: int) -> Iterator[None]:
        """Add what the code inside takes to an entry."""
        if not self.entries:
            yield
            return
        code.line(self.counter.settle)
        before = code.assign(self.counter.read, INDEX)
        yield
        code.line(f"call void @tally(ptr %clock, i64 {entry}, i64 {before.name})")

    def functions(self) -> str:
        """`@tally(table, entry, before)` adds to an entry; `@ticks(place)` stores the counter.

        `@ticks` takes the arguments of every function that threads run.
        """
        if not self.entries:
            return ""
        return f"""{self.counter.declarations}
define internal void @tally(ptr %table, i64 %entry, i64 %before) {{
  {self.counter.settle}
  %now = {self.counter.read}
  %bytes = mul i64 %entry, {ENTRY}
  %place = getelementptr i8, ptr %table, i64 %bytes
  %at.count = getelementptr i8, ptr %place, i64 8
  %ticks = sub i64 %now, %before
  %sum = load i64, ptr %place
  %count = load i64, ptr %at.count
  %longer = add i64 %sum, %ticks
  %more = add i64 %count, 1
  store i64 %longer, ptr %place
  store i64 %more, ptr %at.count
  ret void
}}
define void @ticks(ptr %place, i64 %thread, i64 %threads) {{
  %now = {self.counter.read}
  store i64 %now, ptr %place
  ret void
}}
"""


UNTIMED = Clock()
