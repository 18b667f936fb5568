"""The NumPy backend: the definitions themselves, in order."""

import numpy as np

from gradiente.backends.backend import Arrays, Backend, Program
from gradiente.backends.numpy.program import program
from gradiente.backends.numpy.timing import TimedProgram
from gradiente.graph.graph import Graph


class NumpySteps:
    """A step that runs for one batch after the other."""

    def __init__(self, run: Program):
        self.program = run

    def own(self, array: np.ndarray) -> np.ndarray:
        """The array itself: nothing is overwritten."""
        return array

    def __call__(self, state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        """The state after one step for each row of `order`."""
        for rows in order:
            state = self.program([*state, *(column[rows] for column in data)])
        return [np.asarray(array) for array in state]


class TimedNumpySteps(NumpySteps):
    """Steps that add up what each operation takes."""

    def __init__(self, run: TimedProgram):
        super().__init__(run)
        self.reset = run.reset
        self.profile = run.profile


def _program(graph: Graph, threads: int | None) -> Program:
    return program(graph)


def _steps(graph: Graph, states: int, batch: int, threads: int | None) -> NumpySteps:
    return NumpySteps(program(graph))


def _timed_program(graph: Graph, threads: int | None) -> TimedProgram:
    return TimedProgram(graph)


def _timed_steps(graph: Graph, states: int, batch: int, threads: int | None) -> TimedNumpySteps:
    return TimedNumpySteps(TimedProgram(graph))


BACKEND = Backend("numpy", _program, _steps, _timed_program, _timed_steps)
