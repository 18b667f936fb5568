"""The residual network of JAX; the running statistics go along."""

from typing import Any

import jax

from benchmarks.networks.network import Weights
from benchmarks.networks.residual import Block, Residual
from benchmarks.peers.jax.layers import EPSILON, convolution, dense, scaled

MOMENTUM = 0.1


def predict(sizes: Residual, parameters: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
    """(n, height, width, channels) -> (n, classes)"""
    after: dict[str, Any] = {}

    def normalized(name: str, x: Any, stride: int = 1) -> Any:
        size = parameters[f"{name}.weight"].shape[0]
        y = convolution(parameters, name, x, [(size // 2, size // 2)] * 2, stride)
        mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
        count = y.size // y.shape[-1]
        after.update(
            _moved(statistics, f"{name}_norm", mean, variance * (count / max(count - 1, 1)))
        )
        return scaled(parameters, f"{name}_norm", (y - mean) * jax.lax.rsqrt(variance + EPSILON))

    def block(name: str, block: Block, x: Any) -> Any:
        y = jax.nn.relu(normalized(f"{name}.first", x, block.stride))
        y = normalized(f"{name}.second", y)
        around = normalized(f"{name}.shortcut", x, block.stride) if block.projected else x
        return jax.nn.relu(y + around)

    x = jax.nn.relu(normalized("stem", x))
    for place, each in enumerate(sizes.plan):
        x = block(f"blocks.{place}", each, x)
    return dense(parameters, "head", x.mean((1, 2))), after


def _moved(statistics: Any, name: str, mean: Any, variance: Any) -> dict[str, Any]:
    new = {f"{name}.running_mean": mean, f"{name}.running_variance": variance}
    return {key: (1 - MOMENTUM) * statistics[key] + MOMENTUM * new[key] for key in new}


def renamed(weights: Weights) -> Weights:
    """As they are."""
    return weights
