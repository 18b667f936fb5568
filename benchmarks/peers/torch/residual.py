"""The residual network of PyTorch, channels last in memory, as in torchvision."""

from typing import Any

import torch

from benchmarks.networks.network import Weights
from benchmarks.networks.residual import Block, Residual


def convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> torch.nn.Module:
    """Without bias, which the normalization after it has."""
    return torch.nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class ResidualBlock(torch.nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, block: Block):
        super().__init__()
        self.first = convolution(block.inputs, block.outputs, stride=block.stride)
        self.first_norm = torch.nn.BatchNorm2d(block.outputs)
        self.second = convolution(block.outputs, block.outputs)
        self.second_norm = torch.nn.BatchNorm2d(block.outputs)
        self.projected = block.projected
        if self.projected:
            self.shortcut = convolution(block.inputs, block.outputs, 1, block.stride)
            self.shortcut_norm = torch.nn.BatchNorm2d(block.outputs)
        self.relu = torch.nn.ReLU(inplace=True)

    def forward(self, x: Any) -> Any:
        """(n, inputs, height, width) -> (n, outputs, height / stride, width / stride)"""
        y = self.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        around = self.shortcut_norm(self.shortcut(x)) if self.projected else x
        return self.relu(y + around)


class Network(torch.nn.Module):
    """Images are (n, channels, height, width)."""

    def __init__(self, sizes: Residual):
        super().__init__()
        self.stem = convolution(sizes.image[2], sizes.channels[0])
        self.stem_norm = torch.nn.BatchNorm2d(sizes.channels[0])
        self.relu = torch.nn.ReLU(inplace=True)
        self.blocks = torch.nn.Sequential(*map(ResidualBlock, sizes.plan))
        self.head = torch.nn.Linear(sizes.channels[-1], sizes.classes)

    def forward(self, x: Any) -> Any:
        """-> (n, classes)"""
        x = self.blocks(self.relu(self.stem_norm(self.stem(x))))
        return self.head(x.mean((2, 3)))


def prepared(x: Any) -> Any:
    """(n, height, width, channels) seen as (n, channels, height, width)"""
    return x.permute(0, 3, 1, 2)


def renamed(weights: Weights) -> Weights:
    """The variance is abbreviated."""
    return {name.replace("running_variance", "running_var"): w for name, w in weights.items()}
