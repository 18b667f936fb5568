"""The convolutional network of JAX."""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.networks.convolutional import Convolutional
from benchmarks.networks.network import Weights
from benchmarks.peers.jax.layers import convolution, dense


def predict(sizes: Convolutional, parameters: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
    """(n, height, width, channels) -> (n, classes)"""
    for place in range(len(sizes.filters)):
        name = f"convolutions.{place}"
        y = convolution(parameters, name, x, "SAME") + parameters[f"{name}.bias"]
        x = _pooled(jax.nn.relu(y))
    hidden = jax.nn.relu(dense(parameters, "dense.0", x.reshape(len(x), -1)))
    return dense(parameters, "dense.1", hidden), statistics


def _pooled(x: Any) -> Any:
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
