"""The multilayer perceptron of PyTorch."""

from typing import Any

import torch

from benchmarks.networks.network import Weights
from benchmarks.networks.perceptron import Perceptron


class Network(torch.nn.Module):
    """Linear layers."""

    def __init__(self, sizes: Perceptron):
        super().__init__()
        self.dense = torch.nn.ModuleList(torch.nn.Linear(*shape) for shape in sizes.shapes)

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs)"""
        for layer in self.dense[:-1]:
            x = torch.relu(layer(x))
        return self.dense[-1](x)


def prepared(x: Any) -> Any:
    """As it is."""
    return x


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
