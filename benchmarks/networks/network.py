"""What a workload asks of its network, whatever the kind."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

Weights = dict[str, np.ndarray]


class Network(Protocol):
    """The sizes of a network, as plain data; every library has a builder for each kind.

    The weights have names, which are the paths of gradiente's layers, and gradiente's layout:
    (inputs, outputs) of a dense layer, (height, width, channels, filters) of a convolution.
    """

    @property
    def kind(self) -> str:
        """The name of the module that describes it here, and builds it in each of the peers."""

    @property
    def title(self) -> str:
        """The network in words."""

    @property
    def regression(self) -> bool:
        """True if the targets are numbers, not classes."""

    @property
    def products(self) -> Sequence[int]:
        """Multiplications of the products of one sample's forward pass, in order.

        The first is that of the data, which need no gradient; those before it are none.
        """

    def data(self, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """So many inputs and targets, for the first axis."""

    def weights(self, random: np.random.Generator) -> Weights:
        """What every library starts from."""
