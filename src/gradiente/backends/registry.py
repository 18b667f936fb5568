"""The backends there are: what makes a callable of a graph."""

from collections.abc import Callable

import numpy as np

from gradiente.backends.numpy.program import program as numpy_program
from gradiente.base.errors import UnknownNameError
from gradiente.base.settings import setting
from gradiente.graph.graph import Graph

Program = Callable[[list[np.ndarray]], list[np.ndarray]]
Backend = Callable[[Graph], Program]

BACKENDS: dict[str, Backend] = {"numpy": numpy_program}


def backend_named(name: str | None) -> tuple[str, Backend]:
    """The backend of this name, or the one of the setting GRADIENTE_BACKEND.

    Raises `UnknownNameError` for any other name.
    """
    chosen = name or setting("GRADIENTE_BACKEND")
    if chosen not in BACKENDS:
        raise UnknownNameError(
            f"there is no backend `{chosen}`; there are: {', '.join(sorted(BACKENDS))}."
        )
    return chosen, BACKENDS[chosen]
