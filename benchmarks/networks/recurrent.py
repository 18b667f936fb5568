"""A recurrent network for sequences."""

from dataclasses import dataclass, field

import numpy as np

from benchmarks.networks.drawing import classes, normal, scaled
from benchmarks.networks.network import Weights


@dataclass(frozen=True)
class Recurrent:
    """A long short-term memory, and a dense layer on its last output.

    inputs: the length of what is seen at each step; units: that of the state; steps: how many. The
    gates lie in the order input, forget, cell, output; one bias, and nothing added to it.
    """

    inputs: int
    units: int
    steps: int
    classes: int
    kind: str = field(default="recurrent", init=False)
    regression: bool = field(default=False, init=False)

    @property
    def title(self) -> str:
        """Inputs, state and steps."""
        return f"LSTM {self.inputs}→{self.units}, {self.steps} steps, dense {self.classes}"

    @property
    def products(self) -> list[int]:
        """Those of the inputs, which are data, of the states, and the dense layer."""
        gates = 4 * self.units * self.steps
        return [self.inputs * gates, self.units * gates, self.units * self.classes]

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Sequences (rows, steps, inputs) and classes (rows,), which the last step decides."""
        x = normal(random, (rows, self.steps, self.inputs))
        return x, classes(random, x[:, -1], self.classes)

    def weights(self, random: np.random.Generator) -> Weights:
        """Variance 1 / inputs; biases at zero."""
        gates = 4 * self.units
        return {
            "lstm.cells.0.input_weight": scaled(random, (self.inputs, gates), gain=1.0),
            "lstm.cells.0.recurrent_weight": scaled(random, (self.units, gates), gain=1.0),
            "lstm.cells.0.bias": np.zeros(gates, np.float32),
            "head.weight": scaled(random, (self.units, self.classes), gain=1.0),
            "head.bias": np.zeros(self.classes, np.float32),
        }
