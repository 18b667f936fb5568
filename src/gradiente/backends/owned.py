"""The arrays of a state that a backend overwrites in place."""

import numpy as np


class Owned:
    """Such arrays, by identity; for functions that work on one state in turn.

    version: another number whenever they are other arrays.
    """

    def __init__(self) -> None:
        self.version = 0
        self._arrays: dict[int, np.ndarray] = {}

    def __contains__(self, array: object) -> bool:
        return id(array) in self._arrays

    def replace(self, arrays: list[np.ndarray]) -> None:
        """These arrays from now on, and no others."""
        known = self._arrays
        if len(arrays) != len(known) or not all(id(array) in known for array in arrays):
            self._arrays = {id(array): array for array in arrays}
            self.version += 1
