"""Random numbers: Philox, four words at a time, as `ops.random` defines it."""

import math

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


def _philox(writer: KernelWriter, key: View, of: list[Value], counter: list[Value]) -> list[Value]:
    """Ten rounds on four words, all as 64-bit values below 2^32. of: which of several keys."""
    code = writer.code
    k = [code.convert(writer.read(key, [*of, code.index(i)]), DOUBLE_WORD) for i in range(2)]
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
    (key,) = inputs
    keys = key.shape[:-1]
    size = node.type.size // max(math.prod(keys), 1)
    if not keys:
        begin, end = writer.parallel(max(size // 4, 1), 4.0 * size)
        _draw(
            writer,
            key,
            [],
            View(target.base, target.dtype, (size,), (1,), target.offset),
            begin,
            end,
        )
        return
    rows = View(target.base, target.dtype, (*keys, size), (size, 1), target.offset)
    with writer.shared_loops(keys, 4.0 * size) as of:
        end = writer.code.index(max(size // 4, 1))
        _draw(writer, key, of, rows, writer.code.index(0), end)


def _draw(
    writer: KernelWriter, key: View, of: list[Value], target: View, begin: Value, end: Value
) -> None:
    """The blocks from `begin` to `end` of the numbers of one key; the last may be incomplete."""
    code, size = writer.code, target.shape[-1]
    with code.loop(code.intrinsic("smin", end, code.index(size // 4)), start=begin) as loop:
        words = _philox(writer, key, of, _counter(writer, loop.index, table.DRAW))
        for place, word in enumerate(words):
            writer.write(word, target, [*of, loop.index * 4 + place])
    if size % 4:
        with code.when(end == max(size // 4, 1)):
            counter = _counter(writer, code.index(size // 4), table.DRAW)
            words = _philox(writer, key, of, counter)
            for place, word in enumerate(words[: size % 4]):
                writer.write(word, target, [*of, code.index(size - size % 4 + place)])


@lowers(table.fold_in)
def _(writer: KernelWriter, node: Node, inputs: list[View], target: View) -> None:
    key, numbers = inputs
    with writer.loops(key.shape[:-1]) as of:
        number = writer.code.convert(writer.read(numbers, of), DOUBLE_WORD)
        words = _philox(writer, key, of, _counter(writer, number, table.FOLD))
        for place in range(2):
            writer.write(words[place], target, [*of, writer.code.index(place)])
