"""The transformer of JAX, with its attention and one product for queries, keys and values."""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.networks.network import Weights
from benchmarks.networks.transformer import Transformer, side_by_side
from benchmarks.peers.jax.layers import EPSILON, dense, scaled


def predict(sizes: Transformer, parameters: Any, statistics: Any, x: Any) -> tuple[Any, Any]:
    """Tokens (n, context) -> what may follow each of them, (n, context, vocabulary)"""
    x = parameters["tokens.weight"][x] + parameters["positions.weight"]
    for place in range(sizes.layers):
        name = f"blocks.{place}"
        seen = _normalized(parameters, f"{name}.norms.0", x)
        x = x + _attention(sizes, parameters, f"{name}.attention", seen)
        seen = _normalized(parameters, f"{name}.norms.1", x)
        wide = jax.nn.gelu(
            dense(parameters, f"{name}.feed_forward.expand", seen), approximate=False
        )
        x = x + dense(parameters, f"{name}.feed_forward.contract", wide)
    return _normalized(parameters, "norm", x) @ parameters["head.weight"], statistics


def _attention(sizes: Transformer, parameters: Any, name: str, x: Any) -> Any:
    apart = dense(parameters, f"{name}.parts", x).reshape(*x.shape[:2], 3, sizes.heads, -1)
    query, key, value = (apart[:, :, part] for part in range(3))
    y = jax.nn.dot_product_attention(query, key, value, is_causal=True)
    return dense(parameters, f"{name}.output", y.reshape(x.shape))


def _normalized(parameters: Any, name: str, x: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), jnp.var(x, -1, keepdims=True)
    return scaled(parameters, name, (x - mean) * jax.lax.rsqrt(variance + EPSILON))


def renamed(weights: Weights) -> Weights:
    """One layer for queries, keys and values."""
    return side_by_side(weights)
