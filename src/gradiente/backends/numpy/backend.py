"""The NumPy backend: the definitions themselves, in order."""

import numpy as np

from gradiente.backends.numpy.program import program
from gradiente.backends.registry import Arrays, Backend, Program
from gradiente.graph.graph import Graph


class NumpySteps:
    """A step that runs for one batch after the other."""

    def __init__(self, graph: Graph):
        self.program = program(graph)

    def own(self, array: np.ndarray) -> np.ndarray:
        """The array itself: nothing is overwritten."""
        return array

    def __call__(self, state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        """The state after one step for each row of `order`."""
        for rows in order:
            state = self.program([*state, *(column[rows] for column in data)])
        return [np.asarray(array) for array in state]


def _program(graph: Graph, threads: int | None) -> Program:
    return program(graph)


def _steps(graph: Graph, states: int, batch: int, threads: int | None) -> NumpySteps:
    return NumpySteps(graph)


BACKEND = Backend("numpy", _program, _steps)
