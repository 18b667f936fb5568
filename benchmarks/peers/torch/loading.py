"""The weights of a workload brought into the layout of PyTorch's layers."""

from typing import Any

import numpy as np
import torch

from benchmarks.networks.network import Weights

# Where the axes of our weight are found in that of the layer; others have the same order.
AXES: dict[type, tuple[int, ...]] = {
    torch.nn.Linear: (1, 0),
    torch.nn.Conv2d: (3, 2, 0, 1),
    torch.nn.LSTM: (1, 0),
}


def load(network: torch.nn.Module, weights: Weights) -> None:
    """Fill all parameters and statistics that have the names of the weights, and all of these."""
    places = dict(network.named_parameters()) | dict(network.named_buffers())
    for name, weight in weights.items():
        layer = network.get_submodule(name.rpartition(".")[0])
        axes = AXES.get(type(layer)) if weight.ndim > 1 else None
        _fill(places[name], weight if axes is None else weight.transpose(axes))


def _fill(place: Any, weight: np.ndarray) -> None:
    with torch.no_grad():
        place.copy_(torch.from_numpy(weight.copy()))
