"""What is being traced around the line that runs now.

While a function runs on symbols, the symbols it was given are its *surroundings*. A derivative
taken inside it, or a compiled function called inside it, may use them without having been given
them (a closure does): its result then belongs to the surrounding graph, and must not be turned into
numbers that have lost their gradient.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gradiente.graph.node import Node
from gradiente.graph.walk import between

_surroundings: ContextVar[frozenset[Node]] = ContextVar("surroundings", default=frozenset())


@contextmanager
def surrounded_by(symbols: Iterable[Node]) -> Iterator[None]:
    """Run what is inside as part of the function that was given these symbols."""
    token = _surroundings.set(_surroundings.get().union(symbols))
    try:
        yield
    finally:
        _surroundings.reset(token)


def is_surrounded() -> bool:
    """True inside a function that runs on symbols."""
    return bool(_surroundings.get())


def independent(nodes: Iterable[Node]) -> set[Node]:
    """Those nodes that can be computed now and do not depend on the surroundings."""
    concrete = [node for node in nodes if node.concrete]
    symbols = _surroundings.get()
    return set(concrete) - (between(symbols, concrete) if symbols else set())
