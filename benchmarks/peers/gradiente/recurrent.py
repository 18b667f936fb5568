"""The recurrent network of gradiente."""

from typing import Any

from benchmarks.networks.recurrent import Recurrent
from gradiente import nn


class Network(nn.Module):
    """Sequences are (n, steps, inputs)."""

    def __init__(self, sizes: Recurrent):
        self.lstm = nn.LSTM(sizes.units, forget_bias=0.0, return_sequences=False)
        self.head = nn.Dense(sizes.classes)

    def __call__(self, x: Any) -> Any:
        return self.head(self.lstm(x))
