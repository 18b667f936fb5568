"""The residual network of gradiente."""

from typing import Any

from benchmarks.networks.residual import Block, Residual
from gradiente import nn


def convolution(filters: int, size: int = 3, strides: int = 1) -> nn.Module:
    """Without bias, which the normalization after it has."""
    return nn.Convolution(filters, size, strides, padding=size // 2, use_bias=False)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, block: Block):
        self.first = convolution(block.outputs, strides=block.stride)
        self.first_norm = nn.BatchNorm()
        self.second = convolution(block.outputs)
        self.second_norm = nn.BatchNorm()
        self.projected = block.projected
        if self.projected:
            self.shortcut = convolution(block.outputs, 1, block.stride)
            self.shortcut_norm = nn.BatchNorm()

    def __call__(self, x: Any) -> Any:
        y = nn.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        around = self.shortcut_norm(self.shortcut(x)) if self.projected else x
        return nn.relu(y + around)


class Network(nn.Module):
    """Images are (n, height, width, channels)."""

    def __init__(self, sizes: Residual):
        self.stem, self.stem_norm = convolution(sizes.channels[0]), nn.BatchNorm()
        self.blocks = [ResidualBlock(block) for block in sizes.plan]
        self.pool, self.head = nn.GlobalAveragePool(), nn.Dense(sizes.classes)

    def __call__(self, x: Any) -> Any:
        x = nn.relu(self.stem_norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))
