"""JAX with optax: a compiled step for each batch, or a compiled scan over those of an epoch."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.workloads import Workload


class Training:
    """scan: an epoch is one call; otherwise a step is. The state is donated, and overwritten."""

    note = ""

    def __init__(self, workload: Workload, scan: bool = False):
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        x, y = workload.data()
        shape = (workload.batches, workload.batch)
        self.batches = (
            jnp.asarray(x.reshape(*shape, -1)),
            jnp.asarray(y.reshape(*shape, *y.shape[1:])),
        )
        self.slices = [] if scan else list(zip(*self.batches, strict=True))
        optimizer = optax.adam(workload.learning_rate)
        parameters = jax.tree.map(jnp.asarray, workload.weights())
        self.state: Any = (parameters, optimizer.init(parameters))
        step = partial(_step, optimizer, workload.regression)
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


def _step(optimizer: Any, regression: bool, state: Any, batch: Any) -> Any:
    """(state, batch) -> (state, loss)"""
    parameters, moments = state
    loss, gradient = jax.value_and_grad(partial(_loss, regression))(parameters, *batch)
    updates, moments = optimizer.update(gradient, moments, parameters)
    return (optax.apply_updates(parameters, updates), moments), loss


def _loss(regression: bool, parameters: Any, x: Any, y: Any) -> Any:
    *hidden, (weight, bias) = parameters
    for w, b in hidden:
        x = jax.nn.relu(x @ w + b)
    prediction = x @ weight + bias
    if regression:
        return jnp.mean((prediction - y) ** 2)
    return optax.softmax_cross_entropy_with_integer_labels(prediction, y).mean()
