"""The multilayer perceptron of gradiente."""

from typing import Any

from benchmarks.networks.perceptron import Perceptron
from gradiente import nn


class Network(nn.Module):
    """Dense layers."""

    def __init__(self, sizes: Perceptron):
        self.dense = [nn.Dense(units) for units in sizes.layers[1:]]

    def __call__(self, x: Any) -> Any:
        for layer in self.dense[:-1]:
            x = nn.relu(layer(x))
        return self.dense[-1](x)
