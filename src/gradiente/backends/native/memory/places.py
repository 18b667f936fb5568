"""A place in one block of memory for every intermediate value, shared where lifetimes allow."""

from dataclasses import dataclass, replace

from gradiente.rewrite.pipeline import is_skipped

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Lifetime:
    """How many bytes a value takes, and the first and last kernel that touch it."""

    size: int
    first: int
    last: int


def place(lifetimes: list[Lifetime]) -> tuple[list[int], int]:
    """An offset for each value, so that values alive together do not overlap; the total size.

    Large values first, each at the lowest offset that is free during its whole life.
    """
    if is_skipped("share"):
        lifetimes = [replace(life, first=0, last=0) for life in lifetimes]
    offsets = [0] * len(lifetimes)
    placed: list[tuple[int, int, Lifetime]] = []
    total = 0
    for number in sorted(range(len(lifetimes)), key=lambda i: -lifetimes[i].size):
        life = lifetimes[number]
        size = -(-max(life.size, 1) // ALIGNMENT) * ALIGNMENT
        offset = 0
        for start, end, other in sorted(placed, key=lambda item: item[0]):
            together = life.first <= other.last and other.first <= life.last
            if together and start < offset + size and offset < end:
                offset = end
        offsets[number] = offset
        placed.append((offset, offset + size, life))
        total = max(total, offset + size)
    return offsets, total
