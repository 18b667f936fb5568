"""The network of an estimator, from its parameters."""

import copy
import math
from collections.abc import Callable
from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.base.registry import find
from gradiente.estimators.parameters import for_each_layer, hidden_sizes
from gradiente.initializers.distributions import uniform
from gradiente.nn.activations import ACTIVATIONS
from gradiente.nn.dense import Dense
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm
from gradiente.nn.regularization import Dropout
from gradiente.nn.sequential import Sequential

OTHER_NAMES = {"identity": "linear", "logistic": "sigmoid"}


def build_network(parameters: dict[str, Any], inputs: int, outputs: int) -> Module:
    """A new network: a copy of the one given, what the function given makes, or dense layers.

    Each hidden layer is a `Dense`, with `batch_norm` a `BatchNorm`, its activation, and, where its
    dropout is above 0, a `Dropout`. Raises `InvalidArgumentError` for what is no network.
    """
    given = parameters["network"]
    if given is None:
        return _layers(parameters, inputs, outputs)
    if isinstance(given, Module):
        return copy.deepcopy(given)
    made = given(inputs, outputs) if callable(given) else given
    if not isinstance(made, Module):
        raise InvalidArgumentError(
            "network= is an nn.Module, or a function (inputs, outputs) that makes one, "
            f"not {given!r}."
        )
    return made


def _layers(parameters: dict[str, Any], inputs: int, outputs: int) -> Module:
    sizes = hidden_sizes(parameters["hidden_layer_sizes"])
    activations = for_each_layer("activation", parameters["activation"], len(sizes))
    rates = for_each_layer("dropout", parameters["dropout"], len(sizes))
    layers: list[Callable[[Any], Any]] = []
    for size, activation, rate in zip(sizes, activations, rates, strict=True):
        layers.append(_dense(inputs, size))
        inputs = size
        if parameters["batch_norm"]:
            layers.append(BatchNorm())
        layers.append(_activation(activation))
        if rate:
            layers.append(Dropout(rate))
    return Sequential(*layers, _dense(inputs, outputs))


def _dense(inputs: int, units: int) -> Dense:
    """A dense layer that starts as those of scikit-learn: weights and bias U[-a, a), by Glorot."""
    bound = math.sqrt(6.0 / (inputs + units))
    return Dense(units, bias_initializer=uniform(low=-bound, high=bound))


def _activation(given: Any) -> Callable[[Any], Any]:
    if isinstance(given, str):
        return find(ACTIVATIONS, "an activation", OTHER_NAMES.get(given, given))
    if isinstance(given, Module):
        return copy.deepcopy(given)
    if callable(given):
        return given
    raise InvalidArgumentError(
        f"`activation` is {given!r}: it must be the name of an activation, a function, or a list "
        "of one for each hidden layer."
    )


def weight_matrices(network: Module) -> list[str]:
    """The paths of the weights of the dense layers, from the inputs to the outputs."""
    return [
        f"{path}.weight" if path else "weight"
        for path, module in network.modules().items()
        if isinstance(module, Dense)
    ]
