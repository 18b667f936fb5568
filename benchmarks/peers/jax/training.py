"""JAX with optax: a compiled step for each batch, or a compiled scan over those of an epoch."""

from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.workloads import Workload

OPTIMIZERS = {"Adam": optax.adam, "AdamW": partial(optax.adamw, weight_decay=0.01)}


class Training:
    """scan: an epoch is one call; otherwise a step is. The state is donated, and overwritten."""

    note = ""

    def __init__(self, workload: Workload, scan: bool = False):
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        kind = import_module(f"benchmarks.peers.jax.{workload.network.kind}")
        shape = (workload.batches, workload.batch)
        self.batches = tuple(
            jnp.asarray(array.reshape(*shape, *array.shape[1:])) for array in workload.data()
        )
        self.slices = [] if scan else list(zip(*self.batches, strict=True))
        optimizer = OPTIMIZERS[workload.optimizer](workload.learning_rate)
        parameters, statistics = _divided(kind.renamed(workload.weights()))
        self.state: Any = (parameters, statistics, optimizer.init(parameters))
        predict = partial(kind.predict, workload.network)
        step = partial(_step, optimizer, partial(_loss, workload.regression, predict))
        self.step = jax.jit(step, donate_argnums=0)
        self.scan = jax.jit(partial(jax.lax.scan, step), donate_argnums=0) if scan else None

    def train(self, epochs: int) -> None:
        """Calls return before they are done: wait for the last."""
        for _ in range(epochs):
            self._epoch()
        jax.block_until_ready(self.state)

    def losses(self, epochs: int) -> list[float]:
        """The losses of all steps, averaged."""
        return [float(np.mean([float(loss) for loss in self._epoch()])) for _ in range(epochs)]

    def _epoch(self) -> Any:
        if self.scan is not None:
            self.state, losses = self.scan(self.state, self.batches)
            return losses
        losses = []
        for batch in self.slices:
            self.state, loss = self.step(self.state, batch)
            losses.append(loss)
        return losses


def _divided(weights: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is trained, and the running statistics, which are not."""
    parameters = {n: jnp.asarray(w) for n, w in weights.items() if ".running_" not in n}
    return parameters, {n: jnp.asarray(w) for n, w in weights.items() if n not in parameters}


def _step(optimizer: Any, loss: Any, state: Any, batch: Any) -> Any:
    """(state, batch) -> (state, loss)"""
    parameters, statistics, moments = state
    found, gradient = jax.value_and_grad(loss, has_aux=True)(parameters, statistics, *batch)
    value, statistics = found
    updates, moments = optimizer.update(gradient, moments, parameters)
    return (optax.apply_updates(parameters, updates), statistics, moments), value


def _loss(
    regression: bool, predict: Any, parameters: Any, statistics: Any, x: Any, y: Any
) -> tuple[Any, Any]:
    """The loss, and the statistics that follow."""
    prediction, statistics = predict(parameters, statistics, x)
    if regression:
        return jnp.mean((prediction - y) ** 2), statistics
    losses = optax.softmax_cross_entropy_with_integer_labels(prediction, y)
    return losses.mean(), statistics
