"""Windows added up where they overlap; the windows themselves are a way to look at memory."""

import math

from gradiente.backends.native.kernels.elementwise import row
from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import windows as table

WORK = 0.3  # nanoseconds to add an element, roughly


@lowers(table.add_windows)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    """Sample by sample: zeros, then tap after tap the elements of all windows."""
    (y,) = inputs
    if 0 in target.shape:
        return
    sizes, steps, gaps = (node.params[name] for name in ("sizes", "strides", "dilations"))
    rank, channels = len(sizes), target.shape[-1]
    lanes = writer.target.lanes(target.dtype.itemsize)
    zero = writer.code.constant(0, Kind(target.dtype))

    def clear(indices: list[Value], lanes: int) -> None:
        writer.write(writer.code.as_kind(zero, Kind(target.dtype, lanes)), target, indices)

    with writer.shared_loops(target.shape[:1], WORK * math.prod(y.shape)) as sample:
        with writer.loops(target.shape[1:-1]) as at:
            row(writer, [*sample, *at], channels, lanes, clear)
        with writer.loops(sizes) as taps, writer.loops(y.shape[1 : rank + 1]) as places:
            moved = zip(places, taps, steps, gaps, strict=True)
            at = [place * step + tap * gap for place, tap, step, gap in moved]

            def add(indices: list[Value], lanes: int) -> None:
                channel = indices[-1]
                term = writer.read(y, [*sample, *places, *taps, channel], lanes)
                there = [*sample, *at, channel]
                writer.write(writer.read(target, there, lanes) + term, target, there)

            row(writer, [], channels, lanes, add)
