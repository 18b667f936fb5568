"""From a graph to native code in memory: written, compiled or found on disk, and loaded.

What was loaded for a graph is kept for the next one who asks for the same: a second training of one
configuration then shares its code, and has only memory of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gradiente.backends.native.machine.engine import Library, compile_text
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.module import NativeModule
from gradiente.base.kept import Kept
from gradiente.base.settings import settings_in_force
from gradiente.graph.graph import Graph

MOST = 32  # modules whose code stays in memory when nobody uses them any more


@dataclass(frozen=True)
class Loaded:
    """A module and its code; found: whether the code was there, in this process or on disk."""

    module: NativeModule
    library: Library
    found: bool


Loading = Callable[[Graph, int, int, bool], Loaded]

kept: Kept[Loaded] = Kept(MOST)


def load(graph: Graph, states: int, batch: int, timed: bool) -> Loaded:
    """Write the module of a graph, and load its code.

    states: how many of the inputs are a state, for steps over data; batch: how many rows the others
    have. timed: whether it measures itself.
    """
    pairs = {position: position for position in range(states)}
    module = NativeModule(graph, host(), pairs, batch, timed)
    library = compile_text(module.text)
    return Loaded(module, library, library.found)


def load_once(graph: Graph, states: int, batch: int, timed: bool) -> Loaded:
    """The same, but what was loaded for this very graph lately is used again."""
    key = (graph, states, batch, timed, host(), settings_in_force())
    loaded, known = kept.find(key, lambda: load(graph, states, batch, timed))
    return replace(loaded, found=True) if known else loaded


def forget() -> None:
    """Load everything anew from now on."""
    kept.clear()
