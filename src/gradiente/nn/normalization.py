"""Layers that bring activations to mean 0 and variance 1."""

from typing import Any

import numpy as np

from gradiente.initializers.constants import ones, zeros
from gradiente.nn.context import is_training
from gradiente.nn.dtypes import floating_dtype
from gradiente.nn.module import Module
from gradiente.trace.functions import m


class BatchNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each channel (the last axis) over all others.

    In training μ and σ² are those of the batch, and the running statistics move towards them:
    running ← (1 - momentum) · running + momentum · batch (with the unbiased variance, as PyTorch).
    Outside training the running statistics are used.

    x: (..., channels); weight, bias, running_mean, running_variance: (channels,)
    Ioffe & Szegedy, "Batch normalization", ICML 2015.
    """

    buffer_names = ("running_mean", "running_variance")

    def __init__(self, momentum: float = 0.1, epsilon: float = 1e-5):
        self.momentum = momentum
        self.epsilon = epsilon
        self.weight: Any = None
        self.bias: Any = None
        self.running_mean: Any = None
        self.running_variance: Any = None

    def __call__(self, x: Any) -> Any:
        channels, dtype = (x.shape[-1],), floating_dtype(x)
        mean = self.buffer("running_mean", np.zeros(channels, dtype))
        variance = self.buffer("running_variance", np.ones(channels, dtype))
        if is_training():
            mean, variance = self._batch_statistics(x)
        weight = self.parameter("weight", channels, ones, dtype)
        bias = self.parameter("bias", channels, zeros, dtype)
        return (x - mean) * (m.rsqrt(variance + self.epsilon) * weight) + bias

    def _batch_statistics(self, x: Any) -> tuple[Any, Any]:
        axes = tuple(range(x.ndim - 1))
        count = x.size // x.shape[-1]
        mean, variance = m.mean(x, axis=axes), m.var(x, axis=axes)
        unbiased = variance * (count / max(count - 1, 1))
        keep, new = 1.0 - self.momentum, self.momentum
        self.running_mean = keep * self.running_mean + new * mean
        self.running_variance = keep * self.running_variance + new * unbiased
        return mean, variance

    def __repr__(self) -> str:
        return "BatchNorm()"


class LayerNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each sample over its last axis.

    x: (..., features); weight, bias: (features,)
    Ba, Kiros & Hinton, "Layer normalization", 2016.
    """

    def __init__(self, epsilon: float = 1e-5):
        self.epsilon = epsilon
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        features, dtype = (x.shape[-1],), floating_dtype(x)
        centred = x - m.mean(x, axis=-1, keepdims=True)
        variance = m.mean(centred * centred, axis=-1, keepdims=True)
        weight = self.parameter("weight", features, ones, dtype)
        bias = self.parameter("bias", features, zeros, dtype)
        return centred * m.rsqrt(variance + self.epsilon) * weight + bias

    def __repr__(self) -> str:
        return "LayerNorm()"
