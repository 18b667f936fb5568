"""Lengths cut into pieces of nearly equal size, and pieces put together to units of work."""

from collections.abc import Sequence
from dataclasses import dataclass

from gradiente.backends.native.language.emit import Value


@dataclass(frozen=True)
class Run:
    """`count` pieces of one size, side by side from `start`; the first of them is unit `unit`."""

    start: int
    size: int
    count: int
    unit: int = 0


def cut(length: int, largest: int) -> list[Run]:
    """The fewest pieces of at most the largest size, whose sizes differ by 1 at most."""
    if length <= 0:
        return []
    pieces = -(-length // largest)
    size, larger = divmod(length, pieces)
    runs, start, unit = [], 0, 0
    for this, count in ((size + 1, larger), (size, pieces - larger)):
        if count:
            runs.append(Run(start, this, count, unit))
            start, unit = start + this * count, unit + count
    return runs


def grouped(run: Run, pieces: int, unit: int = 0) -> list[tuple[Run, int]]:
    """A run as groups of several pieces, then one of the rest: (groups, pieces in each)."""
    full, left = divmod(run.count, pieces)
    groups = []
    if full:
        groups.append((Run(run.start, run.size * pieces, full, unit), pieces))
    if left:
        start = run.start + run.size * pieces * full
        groups.append((Run(start, run.size * left, 1, unit + full), left))
    return groups


def indices_of(unit: Value, lengths: Sequence[int]) -> list[Value]:
    """The index along each axis of the unit with this number, in row-major order."""
    code, found = unit.code, []
    for length in reversed(lengths):
        if length == 1:
            found.append(code.index(0))
            continue
        found.append(code.binary("urem", unit, code.index(length)))
        unit = code.binary("udiv", unit, code.index(length))
    return found[::-1]
