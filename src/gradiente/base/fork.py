"""What must begin anew in the child of a fork: locks that a thread of the parent may hold there."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewed(Protocol):
    """Something with locks of its own."""

    def renew(self) -> None:
        """Make new locks, and forget what was under way."""


_known: WeakSet[Renewed] = WeakSet()


def renew_in_children(owner: Renewed) -> None:
    """Have `owner.renew()` called in every child this process forks while the owner lives.

    A child has one thread, the one that forked: locks that others held would never be free.
    """
    _known.add(owner)


def _renew() -> None:
    for owner in list(_known):
        owner.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
