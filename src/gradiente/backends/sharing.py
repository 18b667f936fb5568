"""One program for the batches of a data set of which the last is smaller than the others."""

from collections.abc import Callable

import numpy as np

from gradiente.graph.graph import Graph
from gradiente.rewrite.expand import expand
from gradiente.rewrite.fewer_rows import Changes, changed, changes

Arrays = list[np.ndarray]


class Sharing:
    """The graph of a step for a whole batch, and the smaller batches that its program serves.

    traced: as it was traced; its first `states` inputs are the state. The first smaller batch it is
    to serve decides what is changed in it; others are served if they need the same changes.
    """

    def __init__(self, traced: Graph, states: int):
        self.states = states
        self.rows = traced.inputs[states].type.shape[0]
        self._whole = expand(traced)
        self._changes: Changes | None = None
        self._given: dict[int, Arrays | None] = {}

    def serves(self, rows: int, trace: Callable[[], Graph]) -> bool:
        """Whether a batch of so many rows can be served; `trace` gives the step for it."""
        if rows not in self._given:
            found = changes(self._whole, expand(trace()), self.states)
            if found is not None and self._changes is None:
                self._changes = found
                self._given[self.rows] = found.extras(self.rows)
            fits = found is not None and found == self._changes
            self._given[rows] = found.extras(rows) if found is not None and fits else None
        return self._given[rows] is not None

    @property
    def graph(self) -> Graph:
        """The graph for all sizes, in which what `given` returns belongs to the state."""
        assert self._changes is not None
        return changed(self._whole, self.states, self._changes)

    @property
    def extras(self) -> int:
        """How many arrays are given besides the state."""
        return len(self._given[self.rows] or ())

    def given(self, rows: int) -> Arrays:
        """What the program has to be given besides the state for batches of so many rows."""
        return self._given[rows] or []

    def filled_up(self, order: np.ndarray) -> np.ndarray:
        """An order of whole batches: what is missing repeats the rows that are there."""
        rows = order.shape[1]
        return order if rows == self.rows else order[:, np.arange(self.rows) % rows]
