"""The passes every compiled graph goes through, in order, by name."""

from collections.abc import Callable

from gradiente.base.settings import setting
from gradiente.graph.graph import Graph, verify
from gradiente.rewrite.fold import fold
from gradiente.rewrite.merge import merge
from gradiente.rewrite.simplify import simplify

PASSES: dict[str, Callable[[Graph], Graph]] = {
    "simplify": simplify,
    "fold": fold,
    "merge": merge,
}


def improve(graph: Graph) -> Graph:
    """The same program in fewer operations: each pass in turn, but those GRADIENTE_SKIP names."""
    skipped = setting("GRADIENTE_SKIP").split(",")
    for name, change in PASSES.items():
        if name not in skipped:
            graph = change(graph)
            if setting("GRADIENTE_CHECK"):
                verify(graph)
    return graph
