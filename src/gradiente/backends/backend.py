"""What a backend is: what makes something that runs of a graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from gradiente.backends.profile import Profile
from gradiente.graph.graph import Graph

Arrays = list[np.ndarray]


class Program(Protocol):
    """A compiled graph: from the arrays of its inputs to those of its outputs."""

    def __call__(self, arrays: Arrays, /) -> Arrays:
        """Run it once."""


class Steps(Protocol):
    """A compiled step `(state, batch) -> state`, run for one batch of rows after the other."""

    def own(self, array: np.ndarray) -> np.ndarray:
        """A copy of an array of the state that steps may overwrite."""

    def __call__(self, state: Arrays, data: Arrays, order: np.ndarray) -> Arrays:
        """The state after one step for each row of `order`, (steps, batch) places in the data."""


class Timed(Protocol):
    """What measures itself while it runs."""

    def reset(self) -> None:
        """Forget what was measured."""

    def profile(self) -> Profile:
        """Where the time went since the last reset."""


class TimedProgram(Program, Timed, Protocol):
    """A program that measures itself."""


class TimedSteps(Steps, Timed, Protocol):
    """Steps that measure themselves."""


@dataclass(frozen=True)
class Backend:
    """What a backend offers.

    program(graph, threads): a Program. steps(graph, states, batch, threads): Steps, for a graph
    whose first inputs and all outputs are the state, and whose other inputs are a batch of rows.
    timed_program, timed_steps: the same, measuring themselves. obstacle(): why it cannot be used on
    this machine, or nothing. stages: the texts in which it shows a program or steps, by the name of
    the stage. from_cache(program): whether its machine code was there; None for a backend
    that makes none.
    """

    name: str
    program: Callable[[Graph, int | None], Program]
    steps: Callable[[Graph, int, int, int | None], Steps]
    timed_program: Callable[[Graph, int | None], TimedProgram]
    timed_steps: Callable[[Graph, int, int, int | None], TimedSteps]
    obstacle: Callable[[], str] = lambda: ""
    stages: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    from_cache: Callable[[Any], bool] | None = None

    @property
    def compiles(self) -> bool:
        """True if it makes machine code, which takes much longer than tracing."""
        return self.from_cache is not None
