"""A graph as one native function: kernels, the memory between them, and the call."""

import ctypes
import threading
from dataclasses import dataclass

import numpy as np

from gradiente.backends.native import contract, index, random, reduce, shape
from gradiente.backends.native.elementwise import write_loop
from gradiente.backends.native.engine import compile_text
from gradiente.backends.native.kernel import NAME, KernelWriter
from gradiente.backends.native.layout import View, view_through, whole
from gradiente.backends.native.lowering import LOWERINGS
from gradiente.backends.native.memory import ALIGNMENT, Lifetime, place
from gradiente.backends.native.regular import regular
from gradiente.backends.native.target import host
from gradiente.base.errors import IndexRangeError
from gradiente.graph.graph import Graph
from gradiente.graph.node import Node
from gradiente.rewrite.expand import expand
from gradiente.rewrite.pipeline import improve
from gradiente.rewrite.schedule import Kernel, schedule

FAMILIES = (contract, index, random, reduce, shape)  # importing them fills the table of lowerings

Place = tuple[str, int]


@dataclass
class Written:
    """A kernel as text, the nodes whose buffers it is called with, and those it can fail in."""

    text: str
    buffers: list[Node]
    declarations: set[str]


class NativeProgram:
    """A compiled graph: called with the arrays of its inputs, it returns those of its outputs."""

    def __init__(self, graph: Graph):
        self.graph = regular(improve(expand(graph)))
        self.views = views_of(self.graph)
        owned = {node for node, view in self.views.items() if view.base is node}
        self.checked: list[Node] = []
        kernels = schedule(self.graph, [node for node in self.graph.steps if node not in owned])
        needed = self._needed(kernels)
        self.written = [self._write(kernel, needed) for kernel in kernels]
        self.places: dict[Node, Place] = {}
        self.results = [self._result(node, i) for i, node in enumerate(self.graph.outputs)]
        self.constants = self._place_given()
        self.arena_size = self._place_rest()
        self.text = self._module()
        self.library = compile_text(self.text)
        self.function = self.library.function("program", ctypes.c_void_p)
        self.lock = threading.Lock()
        self.arena = np.empty(self.arena_size + ALIGNMENT, np.uint8)

    # -- writing -----------------------------------------------------------------------------------

    def _needed(self, kernels: list[Kernel]) -> set[Node]:
        """The nodes whose values must be in memory: read by another kernel, or results."""
        needed = {self.views[node].base for node in self.graph.outputs}
        for kernel in kernels:
            inside = set(kernel.nodes)
            for node in kernel.nodes:
                needed |= {self.views[x].base for x in node.inputs if x not in inside}
        return needed

    def _write(self, kernel: Kernel, needed: set[Node]) -> Written:
        writer = KernelWriter(host(), self.checked)
        if kernel.is_elementwise:
            inside = set(kernel.nodes)
            outside = [x for node in kernel.nodes for x in node.inputs if x not in inside]
            reads = {x: self.views[x] for x in outside}
            stores = {node: self.views[node] for node in kernel.nodes if node in needed}
            write_loop(writer, kernel.nodes, reads, stores)
        else:
            (node,) = kernel.nodes
            inputs = [self.views[x] for x in node.inputs]
            LOWERINGS[node.operation](writer, node, inputs, self.views[node])  # type: ignore[index]
        return Written(writer.text(), writer.buffers, writer.code.declarations)

    def _result(self, node: Node, position: int) -> Node:
        """The node whose buffer is an output; a copy where the value lies elsewhere too."""
        view = self.views[node]
        taken = node in self.places or node in self.graph.inputs or node.is_constant
        if view.base is node and not taken:
            self.places[node] = ("output", position)
            return node
        result = Node(None, (), {}, node.type)
        writer = KernelWriter(host(), self.checked)
        shape.copy(writer, view, whole(result))
        self.written.append(Written(writer.text(), writer.buffers, writer.code.declarations))
        self.places[result] = ("output", position)
        return result

    # -- memory ------------------------------------------------------------------------------------

    def _place_given(self) -> list[np.ndarray]:
        """Inputs and constants have places of their own; the arrays of the constants."""
        for position, node in enumerate(self.graph.inputs):
            self.places[node] = ("input", position)
        constants: list[np.ndarray] = []
        for written in self.written:
            for node in written.buffers:
                if node.is_constant and node not in self.places:
                    self.places[node] = ("constant", len(constants))
                    constants.append(np.ascontiguousarray(node.value))
        return constants

    def _place_rest(self) -> int:
        """Offsets in the arena for all other values; its size in bytes."""
        spans: dict[Node, list[int]] = {}
        for step, written in enumerate(self.written):
            for node in written.buffers:
                if node not in self.places:
                    spans.setdefault(node, []).append(step)
        lifetimes = [
            Lifetime(node.type.size * node.type.dtype.itemsize, steps[0], steps[-1])
            for node, steps in spans.items()
        ]
        offsets, total = place(lifetimes)
        for node, offset in zip(spans, offsets, strict=True):
            self.places[node] = ("arena", offset)
        return total

    # -- the module --------------------------------------------------------------------------------

    def _module(self) -> str:
        """All kernels, equal ones once, and the function that calls them in order."""
        names: dict[str, str] = {}
        declarations: set[str] = set()
        calls = []
        for written in self.written:
            declarations |= written.declarations
            name = names.setdefault(written.text, f"kernel{len(names)}")
            arguments = [f"ptr noalias {self._pointer(node)}" for node in written.buffers]
            calls.append(f"  call void @{name}({', '.join([*arguments, 'ptr %status'])})")
        kernels = [text.replace(NAME, name, 1) for text, name in names.items()]
        body = "\n".join([*self._pointers(), *calls])
        program = f"define void @program(ptr %table) {{\nentry:\n{body}\n  ret void\n}}\n"
        return "\n".join([*sorted(declarations), *kernels, program])

    def _pointer(self, node: Node) -> str:
        kind, number = self.places[node]
        return f"%{kind}{number}"

    def _slots(self) -> list[str]:
        """The entries of the table of pointers the program is called with."""
        counts = {
            "input": len(self.graph.inputs),
            "constant": len(self.constants),
            "output": len(self.graph.outputs),
        }
        return ["arena", "status", *(f"{k}{i}" for k, n in counts.items() for i in range(n))]

    def _pointers(self) -> list[str]:
        lines = []
        for position, name in enumerate(self._slots()):
            lines.append(f"  %at.{name} = getelementptr ptr, ptr %table, i64 {position}")
            lines.append(f"  %{name} = load ptr, ptr %at.{name}")
        offsets = sorted({number for kind, number in self.places.values() if kind == "arena"})
        lines += [f"  %arena{n} = getelementptr i8, ptr %arena, i64 {n}" for n in offsets]
        return lines

    # -- running -----------------------------------------------------------------------------------

    def __call__(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        given = [np.ascontiguousarray(array) for array in arrays]
        outputs = [np.empty(node.type.shape, node.type.dtype) for node in self.graph.outputs]
        status = np.zeros(1, np.int64)
        with self.lock:  # one arena, one caller at a time
            start = -self.arena.ctypes.data % ALIGNMENT
            known = [self.arena[start:], status, *given, *self.constants, *outputs]
            table = (ctypes.c_void_p * len(known))(*(array.ctypes.data for array in known))
            self.function(ctypes.addressof(table))
        if status[0]:
            node = self.checked[int(status[0]) - 1]
            raise IndexRangeError(
                f"`{node.operation.name}` met an index out of range."  # type: ignore[union-attr]
                + node.source.explain()
            )
        return outputs


def views_of(graph: Graph) -> dict[Node, View]:
    """Where the value of every node lies; a node that is its own base has its own buffer."""
    views: dict[Node, View] = {}
    inputs = set(graph.inputs)
    for node in graph.nodes:
        look = None
        if node.operation is not None and node.inputs and node not in inputs:
            look = view_through(node, views[node.inputs[0]])
        views[node] = whole(node) if look is None else look
    return views


