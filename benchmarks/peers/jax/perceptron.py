"""The multilayer perceptron of JAX."""

from typing import Any

import jax

from benchmarks.networks.network import Weights
from benchmarks.networks.perceptron import Perceptron
from benchmarks.peers.jax.layers import dense


def predict(sizes: Perceptron, parameters: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
    """(n, inputs) -> (n, outputs)"""
    last = len(sizes.layers) - 2
    for place in range(last):
        x = jax.nn.relu(dense(parameters, f"dense.{place}", x))
    return dense(parameters, f"dense.{last}", x), statistics


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
