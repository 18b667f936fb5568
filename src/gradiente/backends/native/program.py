"""A graph as native kernels: their texts, the memory between them, and their order."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradiente.backends.native.alike import Texts, pattern_of
from gradiente.backends.native.kernels import (
    attention,
    contract,
    convolution,
    index,
    random,
    reduce,
    shape,
    windows,
    winograd,
)
from gradiente.backends.native.kernels.elementwise import Formulas, write_loop
from gradiente.backends.native.kernels.kernel import ROWS, KernelWriter
from gradiente.backends.native.kernels.lowering import ANCHORS, LOWERINGS
from gradiente.backends.native.kernels.reduce import REDUCTIONS
from gradiente.backends.native.kernels.regular import regular, with_copies
from gradiente.backends.native.kernels.rounds import (
    Place,
    Round,
    RoundCall,
    rows_of,
    views_in_a_round,
    write_rounds,
)
from gradiente.backends.native.kernels.rows import Rows
from gradiente.backends.native.machine.target import Target
from gradiente.backends.native.memory.donation import overwriting
from gradiente.backends.native.memory.layout import View, padded, view_through, whole
from gradiente.backends.native.memory.places import Lifetime, place
from gradiente.backends.native.threads.phases import FIRST_THREAD, OWN_ROWS, Access, phases
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.ops.contract import matmul
from gradiente.ops.identity import after
from gradiente.ops.scan import scan
from gradiente.rewrite.expand import expand
from gradiente.rewrite.pipeline import improve, is_skipped
from gradiente.rewrite.rebuild import with_own_inputs
from gradiente.rewrite.recompute import recompute
from gradiente.rewrite.schedule import Fusion, Kernel, schedule

FAMILIES = (
    attention,
    contract,
    convolution,
    index,
    random,
    reduce,
    shape,
    windows,
    winograd,
)  # importing them fills the table of lowerings

FUSION = Fusion(
    follows=lambda node: node.operation in ANCHORS,
    precedes=lambda node: node.operation in REDUCTIONS,
    by_rows=True,
)

SHARED_KERNEL = 300.0  # nanoseconds from which dividing a kernel pays
LONG_KERNEL = 1_000_000.0  # nanoseconds from which threads take their parts as they come
SMALL = 1 << 20  # bytes of all values of a program
SHARED_PROGRAM = 2_000.0  # nanoseconds of such kernels from which threads may pay

PAGE = 4096


@dataclass
class Written:
    """A kernel as text, when it runs, and the nodes whose buffers it is called with."""

    kernel: Kernel
    writer: KernelWriter
    text: str

    @property
    def stage(self) -> int:
        """When it runs, at the same time as others of its stage."""
        return self.kernel.stage

    @property
    def shared(self) -> bool:
        """True if the work is divided among threads."""
        worth = self.writer.cost >= SHARED_KERNEL or self.writer.by_rows > 0
        return self.writer.units > 1 and worth

    @property
    def is_long(self) -> bool:
        """True if threads take its units as they come."""
        return self.shared and self.writer.cost >= LONG_KERNEL


@dataclass(frozen=True)
class Repeated:
    """What the body of a loop is told by the program around it.

    inputs: how those of the body lie. rows: into how many rows all its kernels shall be divided, if
    they can. checked: of the program around it.
    """

    inputs: Sequence[View]
    checked: list[Node]
    rows: int


class Program:
    """The kernels of a graph, in phases, and where every value lies.

    pairs: outputs (by position) that take the place of inputs: the state of a step.
    batch: for steps over data, the number of rows of the inputs behind the state.
    repeated: for the body of a loop, how it lies in the program around it.
    checked: the nodes whose indices are checked, so that a kernel can report one by its number.
    """

    def __init__(
        self,
        graph: Graph,
        target: Target,
        pairs: dict[int, int] | None = None,
        batch: int = 0,
        repeated: "Repeated | None" = None,
    ):
        self.target, self.pairs, self.batch = target, pairs or {}, batch
        self.graph = regular(improve(expand(graph)))
        self.graph = with_copies(self.graph) if repeated else self.graph
        repeated = repeated or Repeated([], [], 0)
        self.checked, self.rows = repeated.checked, repeated.rows
        given = {
            node: replace(view, base=node, offset=0)
            for node, view in zip(self.graph.inputs, repeated.inputs, strict=False)
        }
        self.views = views_of(self.graph, self.gathered_nodes, given=given)
        self.overwrites, readers = overwriting(self.graph, self.views, self.pairs)
        free = [node for node in self.graph.steps if self.views[node].base is not node]
        self.views = views_of(self.graph, self.gathered_nodes, self.overwrites, given)
        fusion = replace(FUSION, ends_together=self._is_small(free))
        kernels = schedule(self.graph, free, readers, fusion)
        kernels = recompute(self.graph, kernels, free, self.overwrites, fusion.precedes)
        needed = self._needed(kernels)
        texts = Texts()
        self.written = [self._write(kernel, needed, texts) for kernel in kernels]
        self.places: dict[Node, Place] = {}
        self._place_given()
        self._place_results(max((kernel.stage for kernel in kernels), default=0))
        self.constants = self._place_constants()
        self.phases = self._phases()
        self.arena_size = self._place_rest()

    @property
    def shared_cost(self) -> float:
        """The work that can be divided, in nanoseconds."""
        return sum(w.writer.cost for w in self.written if w.shared)

    @property
    def threads_pay(self) -> bool:
        """True if there is enough work to divide."""
        return self.shared_cost >= SHARED_PROGRAM

    def _is_small(self, free: list[Node]) -> bool:
        """True if all values together stay in the cache, however long they are kept."""
        computed = set(self.graph.steps) - set(free) - set(self.overwrites)
        return sum(node.type.size * node.type.dtype.itemsize for node in computed) <= SMALL

    # -- writing the kernels ----------------------------------------------------------------------

    def _needed(self, kernels: list[Kernel]) -> set[Node]:
        """The nodes whose values must be in memory: read by another kernel, or results."""
        needed = {self.views[node].base for node in [*self.graph.outputs, *self.overwrites]}
        for kernel in kernels:
            inside = set(kernel.nodes)
            for node in kernel.nodes:
                needed |= {self.views[x].base for x in node.inputs if x not in inside}
        return needed

    def _write(self, kernel: Kernel, needed: set[Node], texts: Texts) -> Written:
        pattern = pattern_of(kernel, self.views, needed)
        known = texts.find(pattern)
        if known is not None:
            return Written(kernel, *known)
        writer = KernelWriter(self.target, self.checked, self.rows)
        self._write_kernel(writer, kernel, needed)
        text = writer.text()
        texts.enter(pattern, writer, text)
        return Written(kernel, writer, text)

    def _write_kernel(self, writer: KernelWriter, kernel: Kernel, needed: set[Node]) -> None:
        stores = {
            node: self.views[node] for node in kernel.nodes if self.views[node].base in needed
        }
        if kernel.rows is not None:
            outside = {node: self.views[node] for node in self._read(kernel.nodes)}
            Rows(writer, kernel.nodes, kernel.rows, outside, stores).write()
        elif kernel.anchor is not None:
            self._write_anchored(writer, kernel, kernel.anchor, stores)
        elif kernel.is_elementwise:
            write_loop(self._formulas(writer, kernel.nodes, kernel.nodes[0], stores))
        elif kernel.nodes[0].operation is scan:
            self._write_rounds(writer, kernel.nodes[0])
        else:
            (node,) = kernel.nodes
            inputs = [self.views[x] for x in node.inputs]
            assert node.operation is not None
            LOWERINGS[node.operation](writer, node, inputs, self.views[node])

    def _write_rounds(self, writer: KernelWriter, node: Node) -> None:
        """A loop, whose body is a program of its own."""
        body = node.params["body"]
        inputs = [self.views[item] for item in node.inputs]
        layouts = views_in_a_round(inputs, body)
        pairs = {number: number for number in range(body.carries)}
        repeated = Repeated(layouts, self.checked, rows_of(layouts[: body.carries]))
        program = Program(with_own_inputs(body.graph), self.target, pairs, repeated=repeated)
        calls = [
            RoundCall(
                written.text,
                written.writer.code.declarations,
                written.writer.units,
                [program.places[item] for item in written.writer.buffers],
            )
            for written in sorted(program.written, key=lambda written: written.stage)
        ]
        sizes = (program.arena_size, program.private_size)
        cost = sum(written.writer.cost for written in program.written)
        rows = program.rows if program.keeps_to_rows else 0
        one = Round(calls, program.constants, sizes, rows, cost)
        write_rounds(writer, node, inputs, self.views[node], one)

    def _write_anchored(
        self, writer: KernelWriter, kernel: Kernel, anchor: Node, stores: dict[Node, View]
    ) -> None:
        """An operation between the elementwise ones that prepare its input and that follow it."""
        inputs = [self.views[x] for x in anchor.inputs]
        before = [node for node in kernel.nodes if node in kernel.before]
        behind = [n for n in kernel.nodes if n is not anchor and n not in kernel.before]
        following = self._formulas(writer, behind, anchor, stores)
        lowering = ANCHORS[anchor.operation]  # type: ignore[index]
        if before:
            preparing = self._formulas(writer, before, anchor.inputs[0], {})
            lowering(writer, anchor, inputs, following, preparing)
        else:
            lowering(writer, anchor, inputs, following)

    def _read(self, nodes: list[Node]) -> list[Node]:
        """What nodes need that is not among them."""
        inside = set(nodes)
        return list(dict.fromkeys(x for node in nodes for x in node.inputs if x not in inside))

    def _formulas(
        self, writer: KernelWriter, nodes: list[Node], like: Node, stores: dict[Node, View]
    ) -> Formulas:
        """Elementwise operations in the shape of a node, whose value they may be given."""
        shape = like.type.shape
        reads = {
            node: self.views[node].broadcast(shape)
            for node in self._read(nodes)
            if node is not like
        }
        return Formulas(writer, nodes, shape, reads, stores)

    def _copy(self, source: View, target: Node, stage: int) -> None:
        writer = KernelWriter(self.target, self.checked, self.rows)
        shape.copy(writer, source, whole(target))
        self.written.append(Written(Kernel(stage, [target]), writer, writer.text()))

    # -- who touches what -------------------------------------------------------------------------

    @property
    def gathers_by_rows(self) -> bool:
        """True if each thread gathers the rows of the batch that it works on afterwards."""
        return bool(self.batch) and self.batch % ROWS == 0

    def _phases(self) -> dict[int, int]:
        """The phase of each stage.

        Memory is free again when a phase ends. What computes values again to need less of it has
        a phase for each stage.
        """
        if is_skipped("phases") or any(node.operation is after for node in self.graph.steps):
            return {written.stage: 1 + written.stage for written in self.written}
        return phases(self._gathering(), self._accesses())

    @property
    def keeps_to_rows(self) -> bool:
        """True if all kernels are divided by the rows of a loop, and need no others.

        Then each thread can run through all rounds without ever waiting for another.
        """
        stages = self._accesses()
        divided = all(written.writer.by_rows == self.rows for written in self.written)
        everything = [access for accesses in stages.values() for access in accesses]
        return divided and self.rows > ROWS and not any(phases(everything, stages).values())

    def _gathering(self) -> list[Access]:
        owner = (OWN_ROWS, self.batch) if self.gathers_by_rows else None
        return [Access(node, owner, writes=True) for node in self.gathered_nodes]

    def _accesses(self) -> dict[int, list[Access]]:
        """What the kernels of each stage touch."""
        stages: dict[int, list[Access]] = {}
        turns: dict[int, int] = {}
        for written in self.written:
            turn = 0
            if not written.shared:
                turn = turns[written.stage] = turns.get(written.stage, -1) + 1
            accesses = stages.setdefault(written.stage, [])
            results = {self._view(node).base for node in written.kernel.nodes}
            for buffer in written.writer.buffers:
                writes = buffer in results or buffer not in self.views
                owner = self._owner(written, buffer, turn)
                accesses.append(Access(buffer, owner, writes))
        return stages

    def _owner(self, written: Written, buffer: Node, turn: int) -> Hashable | None:
        """How a kernel divides a buffer among the threads."""
        if not written.shared:
            return FIRST_THREAD if turn == 0 else None
        rows = written.writer.by_rows
        if not rows or written.is_long:
            return None
        kernel = written.kernel
        used = [self._view(item) for item in [*kernel.nodes, *self._read(kernel.nodes)]]
        if kernel.anchor is not None and kernel.anchor.operation is matmul:
            used.remove(self._view(kernel.anchor.inputs[1]))
            if self._view(kernel.anchor.inputs[1]).base is buffer:
                return None
        by_rows = all(self._is_by_rows(v, rows) for v in used if v.base is buffer)
        return (OWN_ROWS, rows) if by_rows else None

    def _view(self, node: Node) -> View:
        return self.views[node] if node in self.views else whole(node)

    def _is_by_rows(self, view: View, rows: int) -> bool:
        """True if the first index of a view is that of the rows of its buffer."""
        own = self._view(view.base)
        if not (view.shape[:1] == own.shape[:1] == (rows,) and view.strides[0] == own.strides[0]):
            return False
        others = list(zip(view.shape[1:], view.strides[1:], strict=True))
        place = view.offset - own.offset
        first = place + sum(min((n - 1) * stride, 0) for n, stride in others)
        last = place + sum(max((n - 1) * stride, 0) for n, stride in others)
        return first >= 0 and last < max(view.strides[0], 1)

    # -- places -----------------------------------------------------------------------------------

    def _place_given(self) -> None:
        for position, node in enumerate(self.graph.inputs):
            self.places[node] = ("input", position)

    def _place_results(self, last: int) -> None:
        """Every output where it belongs; copied, after all has run, where it lies elsewhere."""
        for position, node in enumerate(self.graph.outputs):
            view, given = self.views[node], self.pairs.get(position)
            if node in self.overwrites:
                continue
            if given is not None:
                self._replace(view, self.graph.inputs[given], last)
            elif view.base is node and node not in self.places and not node.is_constant:
                self.places[node] = ("output", position)
            else:
                result = Node(None, (), {}, node.type)
                self.places[result] = ("output", position)
                self._copy(view, result, last + 1)

    def _replace(self, view: View, state: Node, last: int) -> None:
        """A new value for a state that could not be overwritten earlier."""
        if view.base is state and view.is_contiguous and view.shape == state.type.shape:
            return  # unchanged
        if view.base in self.graph.inputs:  # which may itself be replaced: take it away first
            between = Node(None, (), {}, state.type)
            self._copy(view, between, last + 1)
            view = whole(between)
        self._copy(view, state, last + 2)

    def _place_constants(self) -> list[np.ndarray]:
        constants: list[np.ndarray] = []
        for written in self.written:
            for node in written.writer.buffers:
                if node.is_constant and node not in self.places:
                    self.places[node] = ("constant", len(constants))
                    constants.append(np.ascontiguousarray(node.value))
        return constants

    def _place_rest(self) -> int:
        """Offsets in the arena for all other values; its size in bytes.

        Kernels of one stage may run at the same time: lifetimes are counted in stages.
        """
        spans: dict[Node, list[int]] = {}
        for written in self.written:
            for node in written.writer.buffers:
                if node not in self.places:
                    spans.setdefault(node, []).append(self.phases[written.stage])
        lifetimes = [
            Lifetime(self.size(node), min(stages), max(stages)) for node, stages in spans.items()
        ]
        offsets, total = place(lifetimes)
        for node, offset in zip(spans, offsets, strict=True):
            self.places[node] = ("arena", offset)
        return total

    def size(self, node: Node) -> int:
        """Bytes of the buffer of a node."""
        return _bytes(self.views[node] if node in self.views else padded(node))

    @property
    def private_size(self) -> int:
        """Bytes of memory each thread needs for itself."""
        most = max((written.writer.private_size for written in self.written), default=0)
        return -(-most // PAGE) * PAGE

    @property
    def gathered_nodes(self) -> list[Node]:
        """The inputs that are batches of rows of data."""
        return list(self.graph.inputs[len(self.pairs) :]) if self.batch else []


def views_of(
    graph: Graph,
    gathered: Sequence[Node] = (),
    overwrites: Mapping[Node, Node] | None = None,
    given: Mapping[Node, View] | None = None,
) -> dict[Node, View]:
    """Where the value of every node lies; a node that is its own base has its own buffer.

    gathered: inputs that lie in memory of the program's own.
    overwrites: the input whose place a node's value takes. given: how some inputs lie.
    """
    overwrites, given = overwrites or {}, given or {}
    views: dict[Node, View] = {}
    inputs, outputs = set(graph.inputs), set(graph.outputs)
    for node in [*graph.inputs, *graph.nodes]:  # some inputs may be needed by nothing
        look = None
        if node.operation is not None and node.inputs and node not in inputs:
            look = view_through(node, views[node.inputs[0]])
        fixed = node.is_constant or node in outputs or (node in inputs and node not in gathered)
        if node in overwrites:
            look = whole(overwrites[node])
        elif node in given:
            look = given[node]
        elif look is None:
            look = whole(node) if fixed or node.type.size == 0 else padded(node)
        views[node] = look
    return views


def _bytes(view: View) -> int:
    """The size of a buffer, with what lies between its rows."""
    elements = view.shape[0] * view.strides[0] if view.strides else 1
    return max(elements, view.base.type.size) * view.dtype.itemsize
