"""Where threads have to wait for each other: the stages of a program grouped into phases.

Within a phase threads run on from stage to stage without meeting. That is safe as long as what one
thread has touched is touched by no other, or is only read. In a chain of layers each thread keeps
to its own rows of the batch: it needs nobody until a sum over all rows is formed.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from gradiente.graph.node import Node

FIRST_THREAD = "first thread"
OWN_ROWS = "own rows"


@dataclass(frozen=True)
class Access:
    """A kernel touches a buffer.

    owner: which part of it which thread touches; equal owners mean the same division. `None`: any
    thread any part.
    """

    buffer: Node
    owner: Hashable | None
    writes: bool


def phases(before: Iterable[Access], stages: Mapping[int, Iterable[Access]]) -> dict[int, int]:
    """The phase of each stage, counted from 0; `before`: what was touched ahead of the first."""
    touched: dict[Node, list[Access]] = {}
    _remember(touched, before)
    phase, found = 0, {}
    for stage in sorted(stages):
        accesses = list(stages[stage])
        if any(_meet(access, other) for access in accesses for other in _others(touched, access)):
            phase += 1
            touched.clear()
        _remember(touched, accesses)
        found[stage] = phase
    return found


def _remember(touched: dict[Node, list[Access]], accesses: Iterable[Access]) -> None:
    for access in accesses:
        touched.setdefault(access.buffer, []).append(access)


def _others(touched: Mapping[Node, list[Access]], access: Access) -> list[Access]:
    return touched.get(access.buffer, [])


def _meet(a: Access, b: Access) -> bool:
    """True if two accesses to a buffer could be of different threads to one place."""
    return (a.writes or b.writes) and (a.owner is None or a.owner != b.owner)
