"""The outputs of a network for any number of samples, from programs of few fixed sizes."""

from typing import Any

import numpy as np

from gradiente.backends.compile import compile
from gradiente.base.errors import DataError
from gradiente.losses.regression import mse
from gradiente.nn.module import Module
from gradiente.optimizers.sgd import SGD
from gradiente.train.state import weights_of
from gradiente.train.step import Recipe

BLOCKS = (256, 16)  # samples at once; the rest is filled up


class Predictor:
    """Computes outputs in blocks of one size, so that they do not depend on who else is asked for.

    A block that is not full is filled with its last sample. The weights are those that the given
    network has at the call: it is compiled for its structure only.
    """

    def __init__(self, network: Module, backend: str | None, threads: int | None):
        recipe = Recipe(network, mse, SGD(), (), seed=0, accumulate=1)
        self.compiled = compile(recipe.predict, backend, threads)

    def __call__(self, network: Module, x: np.ndarray) -> np.ndarray:
        """The outputs (samples, outputs) of x, an array of floating numbers."""
        weights, count = weights_of(network), x.shape[0]
        parts, done = [], 0
        while done < count:
            size = BLOCKS[0] if count - done > BLOCKS[1] else BLOCKS[1]
            rows = x[done : done + size]
            full = rows[np.minimum(np.arange(size), len(rows) - 1)]
            parts.append(self.compiled(weights, full)[: len(rows)])
            done += size
        return np.concatenate(parts)


def dense(x: Any) -> np.ndarray:
    """The rows of an array or of a sparse matrix, as an array."""
    return x.toarray() if hasattr(x, "toarray") else x


def checked(outputs: Any, width: int) -> Any:
    """The outputs, if they are one array (samples, outputs); `DataError` if not."""
    shape = getattr(outputs, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] != width:
        got = type(outputs).__name__ if shape is None else f"an array of shape {tuple(shape)}"
        raise DataError(
            f"for these targets the network must return an array (samples, {width}), but it "
            f"returned {got}."
        )
    return outputs
