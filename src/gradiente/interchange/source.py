"""Arrays of a file of weights, of which those of one layer are taken after those of another."""

from collections.abc import Iterator

import numpy as np

from gradiente.base.errors import RunError

Named = Iterator[tuple[str, np.ndarray]]


class Source:
    """The arrays of one layer.

    arrays: what is left of the file, by path; there, here: the path of the layer in it, and in the
    network; separator: what stands between the parts of a path in the file.
    """

    def __init__(self, arrays: dict[str, np.ndarray], there: str, here: str, separator: str = "."):
        self.arrays = arrays
        self.there = there
        self.here = here
        self.separator = separator

    def has(self, name: str) -> bool:
        """Whether the layer has such an array."""
        return self._path(name) in self.arrays

    def take(self, name: str) -> np.ndarray:
        """An array of the layer, which is gone then. Raises `RunError` if there is none."""
        path = self._path(name)
        if path not in self.arrays:
            raise RunError(f"the weights have no `{path}` for `{self.here or 'the network'}`.")
        return np.asarray(self.arrays.pop(path))

    def _path(self, name: str) -> str:
        return f"{self.there}{self.separator}{name}" if self.there else name


def with_two_biases(gates: int, units: int, ours: np.ndarray, inner: np.ndarray) -> Named:
    """The biases of a GRU from that of the inputs and that of the state, (gates · units,) each.

    They are added, except for the part of the second that the reset gate multiplies.
    """
    apart = (gates - 1) * units
    yield "recurrent_bias", inner[apart:]
    yield "bias", np.concatenate([ours[:apart] + inner[:apart], ours[apart:]])


def without_forget_bias(bias: np.ndarray, units: int, forget_bias: float) -> np.ndarray:
    """The bias of an LSTM without what is added to that of its forget gate here."""
    bias = np.array(bias)
    bias[units : 2 * units] -= forget_bias
    return bias
