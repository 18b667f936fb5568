"""Weights scaled by data: each layer in turn gets outputs of variance one."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.base.trees import leaves_of
from gradiente.initializers.orthogonality import orthogonal
from gradiente.nn.context import Context, running
from gradiente.nn.module import Module
from gradiente.nn.slots import Slot
from gradiente.trace.random import fold_in, key


def lsuv(
    network: Module, x: Any, *, seed: int = 0, tolerance: float = 0.1, iterations: int = 10
) -> Module:
    """Start with orthogonal weights that are scaled, layer after layer, to outputs of variance 1.

        W ← W / √Var(y)          until |Var(y) − 1| < tolerance, at most `iterations` times

    Var(y) is taken over all outputs of the layer for the batch x, in the order in which the layers
    run. All layers with a trained parameter `weight` of two axes or more take part; the others stay
    as they are. x: a batch of inputs as the network takes it, of some hundred samples; the network
    is initialized with it if it is not yet. Returns the network.

    Raises `InvalidArgumentError` if there is no such layer.

    D. Mishkin, J. Matas, "All you need is a good init", ICLR 2016.
    """
    tolerance = check_number("tolerance", tolerance, above=0)
    iterations = check_count("iterations", iterations, at_least=1)
    network.initialize(x, seed=seed)
    weights = [weight for weight, _ in _outputs(network, x)]
    if not weights:
        raise InvalidArgumentError(f"{network!r} has no layer with a trained weight to scale.")
    for number, weight in enumerate(weights):
        stream = fold_in(key(seed), number)
        weight.fill(orthogonal(stream, weight.value.shape, weight.value.dtype))
    for place, weight in enumerate(weights):
        for _ in range(iterations):
            variance = _variance(_outputs(network, x)[place][1])
            if abs(variance - 1) < tolerance or not 0 < variance < np.inf:
                break  # a layer whose outputs are all alike cannot be scaled
            weight.fill((weight.value / np.sqrt(variance)).astype(weight.value.dtype))
    return network


def _outputs(network: Module, x: Any) -> list[tuple[Slot, Any]]:
    """The weights to scale in the order of the first run of their layers, and what those gave."""
    calls: list[tuple[str, Any, Any]] = []
    with running(Context(calls=calls)):
        network(x)
    weights = {
        id(slot.module): slot
        for slot in network.slots()
        if slot.is_parameter and slot.name == "weight" and not slot.frozen and slot.value.ndim > 1
    }
    found: dict[int, tuple[Slot, Any]] = {}
    for _, module, output in calls:
        if id(module) in weights:
            found.setdefault(id(module), (weights[id(module)], output))
    return list(found.values())


def _variance(output: Any) -> float:
    values = [np.asarray(leaf, np.float64).ravel() for leaf in leaves_of(output)]
    return float(np.var(np.concatenate(values)))
