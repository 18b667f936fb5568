"""A multilayer perceptron."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from benchmarks.networks.drawing import normal, scaled, scores
from benchmarks.networks.network import Weights


@dataclass(frozen=True)
class Perceptron:
    """Dense layers with rectified linear units between them.

    layers: the lengths of the input, of the hidden layers and of the output. With one output the
    loss is the squared error, with more the softmax cross entropy of as many classes.
    """

    layers: tuple[int, ...]
    kind: str = field(default="perceptron", init=False)

    @property
    def title(self) -> str:
        """The lengths of all layers."""
        return f"MLP {'-'.join(map(str, self.layers))}"

    @property
    def regression(self) -> bool:
        """True with one output."""
        return self.layers[-1] == 1

    @property
    def products(self) -> list[int]:
        """One a layer."""
        return [inputs * outputs for inputs, outputs in self.shapes]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of every weight, (inputs, outputs)."""
        return list(pairwise(self.layers))

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs x (rows, inputs) and targets: classes (rows,), or numbers (rows, 1)."""
        x = normal(random, (rows, self.layers[0]))
        y = scores(random, x, self.layers[-1])
        return x, y if self.regression else y.argmax(axis=1).astype(np.int32)

    def weights(self, random: np.random.Generator) -> Weights:
        """He normal; biases at zero."""
        found = {}
        for place, shape in enumerate(self.shapes):
            found[f"dense.{place}.weight"] = scaled(random, shape)
            found[f"dense.{place}.bias"] = np.zeros(shape[1], np.float32)
        return found
