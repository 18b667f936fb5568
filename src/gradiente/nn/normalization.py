"""Layers that bring activations to mean 0 and variance 1."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.initializers.constants import ones, zeros
from gradiente.nn.context import is_training
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.trace.functions import m


class BatchNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each channel (the last axis) over all others.

    In training μ and σ² are those of the batch, and the running statistics move towards them:
    running ← (1 - momentum) · running + momentum · batch (with the unbiased variance, as PyTorch).
    Outside training the running statistics are used.

    x: (..., channels); weight, bias, running_mean, running_variance: (channels,)
    Ioffe & Szegedy, "Batch normalization", ICML 2015.

    Raises `InvalidArgumentError` unless 0 <= momentum <= 1 and epsilon > 0.
    """

    buffer_names = ("running_mean", "running_variance")

    def __init__(self, *, momentum: float = 0.1, epsilon: float = 1e-5):
        self.momentum = check_number("momentum", momentum, at_least=0, at_most=1)
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.weight: Any = None
        self.bias: Any = None
        self.running_mean: Any = None
        self.running_variance: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        channels = (x.shape[-1],)
        weight = self.parameter("weight", channels, ones, x.dtype)
        bias = self.parameter("bias", channels, zeros, x.dtype)
        mean = self.buffer("running_mean", np.zeros(channels, x.dtype))
        variance = self.buffer("running_variance", np.ones(channels, x.dtype))
        if is_training():
            mean, variance = self._batch_statistics(x)
        return (x - mean) * (m.rsqrt(variance + self.epsilon) * weight) + bias

    def _batch_statistics(self, x: Any) -> tuple[Any, Any]:
        axes = tuple(range(x.ndim - 1))
        count = x.size // x.shape[-1]
        mean, variance = m.mean(x, axis=axes), m.var(x, axis=axes)
        unbiased = variance * (count / max(count - 1, 1))
        self.running_mean = self._moved(self.running_mean, mean)
        self.running_variance = self._moved(self.running_variance, unbiased)
        return mean, variance

    def _moved(self, running: Any, batch: Any) -> Any:
        batch = m.cast(batch, running.dtype)
        return (1.0 - self.momentum) * running + self.momentum * batch

    def __repr__(self) -> str:
        return f"BatchNorm({_changed(momentum=(self.momentum, 0.1), epsilon=(self.epsilon, 1e-5))})"


class LayerNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each sample over its last axis.

    x: (..., features); weight, bias: (features,)
    Ba, Kiros & Hinton, "Layer normalization", 2016.

    Raises `InvalidArgumentError` unless epsilon > 0.
    """

    def __init__(self, *, epsilon: float = 1e-5):
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        features = (x.shape[-1],)
        weight = self.parameter("weight", features, ones, x.dtype)
        bias = self.parameter("bias", features, zeros, x.dtype)
        centred = x - m.mean(x, axis=-1, keepdims=True)
        variance = m.mean(centred * centred, axis=-1, keepdims=True)
        return centred * m.rsqrt(variance + self.epsilon) * weight + bias

    def __repr__(self) -> str:
        return f"LayerNorm({_changed(epsilon=(self.epsilon, 1e-5))})"


def _changed(**settings: tuple[float, float]) -> str:
    """The settings that are not the default, as arguments."""
    return ", ".join(f"{name}={v:g}" for name, (v, default) in settings.items() if v != default)
