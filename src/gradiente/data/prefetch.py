"""The next item of an iteration is made in the background while the current one is used."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

END = object()


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """The same items in the same order, each made by a thread while the one before is in use.

    At most one is made in advance. What making one raises is raised where it would be taken. When
    the iteration ends early the thread finishes what it is making, and `items` is closed.
    """
    from concurrent.futures import ThreadPoolExecutor  # only streams need it

    iterator = iter(items)
    try:
        with ThreadPoolExecutor(1, "gradiente-prefetch") as pool:
            coming = pool.submit(next, iterator, END)
            while (item := coming.result()) is not END:
                coming = pool.submit(next, iterator, END)
                yield item
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
