"""A program as the text of one native module, with the functions that call its kernels."""

from gradiente.backends.native import driver
from gradiente.backends.native.clock import FIRST_CALL, UNTIMED, Clock
from gradiente.backends.native.driver import Call, Gathered
from gradiente.backends.native.kernels.kernel import NAME, ROWS
from gradiente.backends.native.machine.target import Target
from gradiente.backends.native.names import kernel_name
from gradiente.backends.native.program import Program, Written
from gradiente.backends.native.threads.barrier import LINE, SYNC_BYTES
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node

# What every table of pointers begins with: working memory, error flag, memory of the threads,
# barrier; and for steps over data the order of rows, the number of steps, and how many bytes apart
# the rows of each array of data lie.
FIXED_SLOTS = ("arena", "status", "memory", "sync", "order", "count", "distances")


class NativeModule(Program):
    """The text of a program, and what has to be known to call it.

    timed: whether it measures itself. uses: the kernels in the order of the calls, and their names.
    """

    def __init__(
        self,
        graph: Graph,
        target: Target,
        pairs: dict[int, int] | None = None,
        batch: int = 0,
        timed: bool = False,
    ):
        super().__init__(graph, target, pairs, batch)
        self.timed = timed
        self.sync_size = SYNC_BYTES  # and the counters of long kernels
        self.uses: list[tuple[str, Written]] = []
        self.text = self._module()

    def slots(self) -> list[str]:
        """The entries of the table of pointers the program is called with."""
        counts = {
            "input": len(self.graph.inputs),
            "constant": len(self.constants),
            "output": len(self.graph.outputs),
            "data": len(self.gathered_nodes),
        }
        given = [f"{kind}{i}" for kind, number in counts.items() for i in range(number)]
        return [*FIXED_SLOTS, *given, *(["times"] if self.timed else [])]

    @property
    def counters(self) -> range:
        """Where the counters of long kernels stand in the memory of the barrier."""
        return range(SYNC_BYTES, self.sync_size, LINE)

    @property
    def clock(self) -> Clock:
        """What measures the calls, if that is asked for."""
        return Clock(self.target.triple, FIRST_CALL + len(self.written)) if self.timed else UNTIMED

    def _module(self) -> str:
        """All kernels, equal ones once, and the functions that call them."""
        names: dict[str, str] = {}
        declarations: set[str] = set()
        calls = []
        for written in sorted(self.written, key=lambda written: written.stage):
            declarations |= written.writer.code.declarations
            name = names.setdefault(written.text, kernel_name(written.kernel, len(names)))
            self.uses.append((name, written))
            pointers = [self._pointer(node) for node in written.writer.buffers]
            arguments = (*pointers, "%status", "%private")
            counter = 0
            if written.is_long:
                counter, self.sync_size = self.sync_size, self.sync_size + LINE
            units, shared = written.writer.units, written.shared
            calls.append(Call(written.stage, name, arguments, units, shared, counter))
        kernels = [text.replace(f"@{NAME}", f"@{name}") for text, name in names.items()]
        wait_declarations, barrier = driver.barrier(self.target.triple)
        functions = [barrier, driver.program(calls, self.phases, self._pointers(), self.clock)]
        declarations.add("declare i64 @llvm.smin.i64(i64, i64)")
        functions.append(self.clock.functions())
        if self.batch:
            functions.append(self._steps())
            declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        return "\n".join([wait_declarations, *sorted(declarations), *kernels, *functions])

    def _steps(self) -> str:
        slots = self.slots()
        gathered = [
            Gathered(
                source=slots.index(f"data{number}"),
                target=slots.index(f"input{len(self.pairs) + number}"),
                bytes=node.type.size * node.type.dtype.itemsize // max(self.batch, 1),
                stride=self.views[node].strides[0] * node.type.dtype.itemsize,
            )
            for number, node in enumerate(self.gathered_nodes)
        ]
        places = {name: number for number, name in enumerate(slots)}
        block = ROWS if self.gathers_by_rows else 1
        return driver.steps(gathered, (self.batch, block), places, self.counters, self.clock)

    def _pointer(self, node: Node) -> str:
        kind, number = self.places[node]
        return f"%{kind}{number}"

    def _pointers(self) -> list[str]:
        lines = []
        for position, name in enumerate(self.slots()):
            lines.append(f"%at.{name} = getelementptr ptr, ptr %table, i64 {position}")
            lines.append(f"%{name} = load ptr, ptr %at.{name}")
        lines.append(f"%place = mul i64 %thread, {self.private_size}")
        lines.append("%private = getelementptr i8, ptr %memory, i64 %place")
        offsets = sorted({number for kind, number in self.places.values() if kind == "arena"})
        lines += [f"%arena{n} = getelementptr i8, ptr %arena, i64 {n}" for n in offsets]
        return lines
