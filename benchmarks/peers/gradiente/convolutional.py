"""The convolutional network of gradiente."""

from typing import Any

from benchmarks.networks.convolutional import Convolutional
from gradiente import nn


class Network(nn.Module):
    """Images are (n, height, width, channels)."""

    def __init__(self, sizes: Convolutional):
        self.convolutions = [nn.Convolution(n, 3, padding="same") for n in sizes.filters]
        self.pool, self.flatten = nn.MaxPool(2), nn.Flatten()
        self.dense = [nn.Dense(sizes.dense), nn.Dense(sizes.classes)]

    def __call__(self, x: Any) -> Any:
        for convolution in self.convolutions:
            x = self.pool(nn.relu(convolution(x)))
        hidden, out = self.dense
        return out(nn.relu(hidden(self.flatten(x))))
