"""The recurrent network of PyTorch, its own LSTM."""

from typing import Any

import numpy as np
import torch

from benchmarks.networks.network import Weights
from benchmarks.networks.recurrent import Recurrent

NAMES = {
    "lstm.cells.0.input_weight": "lstm.weight_ih_l0",
    "lstm.cells.0.recurrent_weight": "lstm.weight_hh_l0",
    "lstm.cells.0.bias": "lstm.bias_ih_l0",
}
SECOND_BIAS = "lstm.bias_hh_l0"


class Network(torch.nn.Module):
    """Of its two biases, which are added, one stays zero: two would learn twice as fast."""

    def __init__(self, sizes: Recurrent):
        super().__init__()
        self.lstm = torch.nn.LSTM(sizes.inputs, sizes.units, batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False)
        self.head = torch.nn.Linear(sizes.units, sizes.classes)

    def forward(self, x: Any) -> Any:
        """(n, steps, inputs) -> (n, classes)"""
        _, (last, _) = self.lstm(x)
        return self.head(last[0])


def prepared(x: Any) -> Any:
    """As it is."""
    return x


def renamed(weights: Weights) -> Weights:
    """Its own names, and the second bias."""
    found = {NAMES.get(name, name): weight for name, weight in weights.items()}
    return found | {SECOND_BIAS: np.zeros_like(found["lstm.bias_ih_l0"])}
