"""The backends there are, and what each of them does with a graph."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gradiente.backends.native import run as native
from gradiente.backends.numpy.program import program as numpy_program
from gradiente.base.errors import UnknownNameError
from gradiente.base.settings import setting
from gradiente.graph.graph import Graph
from gradiente.rewrite.pipeline import improve

Arrays = list[np.ndarray]
Program = Callable[[Arrays], Arrays]
Steps = Callable[[Arrays, Arrays, np.ndarray], Arrays]


@dataclass(frozen=True)
class Backend:
    """What runs graphs.

    program(graph, threads): a function from the arrays of the inputs to those of the outputs.
    steps(graph, states, batch, threads): a function of (state, data, order) that takes a step for
    each row of `order` and returns the state; the first `states` inputs and outputs are the state.
    """

    name: str
    program: Callable[[Graph, int | None], Program]
    steps: Callable[[Graph, int, int, int | None], Steps]


def _numpy_program(graph: Graph, threads: int | None) -> Program:
    return numpy_program(improve(graph))


def _numpy_steps(graph: Graph, states: int, batch: int, threads: int | None) -> Steps:
    step = numpy_program(improve(graph))

    def run(state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        for rows in order:
            state = step([*state, *(column[rows] for column in data)])
        return state

    return run


def _native_steps(graph: Graph, states: int, batch: int, threads: int | None) -> Steps:
    steps = native.NativeSteps(graph, states, batch, threads)

    def run(state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        steps(state, data, order)
        return state

    return run


BACKENDS: dict[str, Backend] = {
    "numpy": Backend("numpy", _numpy_program, _numpy_steps),
    "native": Backend("native", native.NativeProgram, _native_steps),
}


def backend_named(name: str | None) -> Backend:
    """The backend of this name, or the one of the setting GRADIENTE_BACKEND.

    Raises `UnknownNameError` for any other name. Where LLVM is missing NumPy stands in for the
    native backend, with one warning.
    """
    chosen = name or setting("GRADIENTE_BACKEND")
    if chosen not in BACKENDS:
        raise UnknownNameError(
            f"there is no backend `{chosen}`; there are: {', '.join(sorted(BACKENDS))}."
        )
    if chosen == "native" and not _native_works():
        return BACKENDS["numpy"]
    return BACKENDS[chosen]


@lru_cache(maxsize=1)
def _native_works() -> bool:
    """Whether LLVM is there and knows this CPU; tried once."""
    try:
        native.host()
    except (ImportError, OSError, RuntimeError) as error:
        warnings.warn(
            f"native code is not available here ({error}); computing with NumPy instead.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
