"""The convolutional network of PyTorch, channels last in memory."""

from typing import Any

import torch

from benchmarks.networks.convolutional import Convolutional
from benchmarks.networks.network import Weights


class Network(torch.nn.Module):
    """Images are (n, channels, height, width)."""

    def __init__(self, sizes: Convolutional):
        super().__init__()
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv2d(*kernel[2:], 3, padding=1) for kernel in sizes.kernels
        )
        self.dense = torch.nn.ModuleList(torch.nn.Linear(*shape) for shape in sizes.shapes)

    def forward(self, x: Any) -> Any:
        """The weights of the first linear layer are in the order of the memory: no copy."""
        for convolution in self.convolutions:
            x = torch.nn.functional.max_pool2d(torch.relu(convolution(x)), 2)
        hidden, out = self.dense
        return out(torch.relu(hidden(x.permute(0, 2, 3, 1).flatten(1))))


def prepared(x: Any) -> Any:
    """(n, height, width, channels) seen as (n, channels, height, width)"""
    return x.permute(0, 3, 1, 2)


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
