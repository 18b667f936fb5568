"""The recurrent network of JAX: the inputs' products of all steps at once, then a scan."""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.networks.network import Weights
from benchmarks.networks.recurrent import Recurrent
from benchmarks.peers.jax.layers import dense

CELL = "lstm.cells.0"


def predict(sizes: Recurrent, parameters: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
    """(n, steps, inputs) -> (n, classes)"""
    recurrent = parameters[f"{CELL}.recurrent_weight"]

    def step(state: Any, contribution: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(contribution + h @ recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    by_time = x.swapaxes(0, 1)
    contributions = by_time @ parameters[f"{CELL}.input_weight"] + parameters[f"{CELL}.bias"]
    nothing = jnp.zeros((len(x), sizes.units), x.dtype)
    (last, _), _ = jax.lax.scan(step, (nothing, nothing), contributions)
    return dense(parameters, "head", last), statistics


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
