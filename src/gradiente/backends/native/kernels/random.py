"""Random numbers: Philox, four words at a time, as `ops.random` defines it."""

import numpy as np

from gradiente.backends.native.kernels.kernel import KernelWriter
from gradiente.backends.native.kernels.lowering import lowers
from gradiente.backends.native.language.emit import Value
from gradiente.backends.native.language.kind import Kind
from gradiente.backends.native.memory.layout import View
from gradiente.graph.node import Node
from gradiente.ops import random as table

WORD = Kind(np.dtype(np.uint32))
DOUBLE_WORD = np.dtype(np.uint64)


def _philox(writer: KernelWriter, key: View, counter: list[Value]) -> list[Value]:
    """Ten rounds on four words, all as 64-bit values below 2^32."""
    code = writer.code
    k = [code.convert(writer.read(key, [code.index(i)]), DOUBLE_WORD) for i in range(2)]
    a, b, c, d = counter
    for _ in range(table.ROUNDS):
        first, second = a * table.MULTIPLIERS[0], c * table.MULTIPLIERS[1]
        a, c = (second >> 32) ^ b ^ k[0], (first >> 32) ^ d ^ k[1]
        b, d = second & 0xFFFFFFFF, first & 0xFFFFFFFF
        k = [(k[i] + table.KEY_INCREMENTS[i]) & 0xFFFFFFFF for i in range(2)]
    return [code.convert(word, WORD.dtype) for word in (a, b, c, d)]


def _counter(writer: KernelWriter, number: Value, purpose: int) -> list[Value]:
    code = writer.code
    wide = code.convert(number, DOUBLE_WORD)
    fixed = [code.constant(word, wide.kind) for word in (purpose, 0)]
    return [wide & 0xFFFFFFFF, wide >> 32, *fixed]


@lowers(table.random_bits)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    code, size = writer.code, node.type.size
    flat = View(target.base, target.dtype, (size,), (1,), target.offset)
    begin, end = writer.parallel(max(size // 4, 1), 4.0 * size)
    with code.loop(code.intrinsic("smin", end, code.index(size // 4)), start=begin) as loop:
        words = _philox(writer, inputs[0], _counter(writer, loop.index, table.DRAW))
        for place, word in enumerate(words):
            writer.write(word, flat, [loop.index * 4 + place])
    if size % 4:
        with code.when(end == max(size // 4, 1)):
            words = _philox(writer, inputs[0], _counter(writer, code.index(size // 4), table.DRAW))
            for place, word in enumerate(words[: size % 4]):
                writer.write(word, flat, [code.index(size - size % 4 + place)])


@lowers(table.fold_in)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    key, number = inputs
    value = writer.code.convert(writer.read(number, []), DOUBLE_WORD)
    words = _philox(writer, key, _counter(writer, value, table.FOLD))
    for place in range(2):
        writer.write(words[place], target, [writer.code.index(place)])
