"""The passes every graph goes through, and the names of all improvements that can be left out."""

from collections.abc import Callable

from gradiente.base.errors import InvalidArgumentError
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

# What GRADIENTE_SKIP can leave out. The answers stay the same: a name is left out to see what it is
# good for, or whether it is to blame. Each is honoured where it acts.
IMPROVEMENTS: dict[str, str] = {
    "simplify": "identities of algebra and shapes are applied",
    "fold": "what depends on constants alone is computed once, when a graph is compiled",
    "merge": "what is computed twice is computed once",
    "rows": "reductions over the last axis and what lies around them go row by row",
    "follow": "elementwise operations join the product or reduction whose result they need",
    "prepare": "elementwise operations join the reduction that needs their result",
    "loops": "elementwise operations of one shape share a loop",
    "recompute": "what is cheap is computed again by each kernel that needs it, not kept in memory",
    "overwrite": "new values of a state are written over the old ones",
    "share": "values that are not needed at the same time share memory",
    "pad": "rows are moved apart in memory where they would compete for the same part of the cache",
    "phases": "threads wait only where one touches what another has touched",
    "rest": "the last, smaller batch of an epoch runs on the program of the others",
    "tiles": "convolutions by 3 × 3 in float32 take a quarter of the multiplications, tile by tile",
    "order": "a small second factor of a product is brought into order first, not block by block",
}


def is_skipped(name: str) -> bool:
    """Whether GRADIENTE_SKIP names this improvement.

    Raises `InvalidArgumentError` if it names something that does not exist.
    """
    assert name in IMPROVEMENTS
    skipped = [word.strip() for word in setting("GRADIENTE_SKIP").split(",") if word.strip()]
    for word in skipped:
        if word not in IMPROVEMENTS:
            raise InvalidArgumentError(
                f"GRADIENTE_SKIP names `{word}`, which is no improvement that can be left out; "
                f"there are: {', '.join(IMPROVEMENTS)}."
            )
    return name in skipped


def improve(graph: Graph) -> Graph:
    """The same program in fewer operations: each pass in turn, but those GRADIENTE_SKIP names."""
    for name, change in PASSES.items():
        if not is_skipped(name):
            graph = change(graph)
            if setting("GRADIENTE_CHECK"):
                verify(graph)
    return graph
