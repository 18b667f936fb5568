"""Layers that bring activations to mean 0 and variance 1, over the batch or over each sample."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.initializers.constants import ones, zeros
from gradiente.nn.context import is_training
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m


def scaled(layer: Module, y: Any, shape: tuple[int, ...]) -> Any:
    """y · weight + bias, with parameters of the layer that start at 1 and 0."""
    weight = layer.parameter("weight", shape, ones, y.dtype)
    return y * weight + layer.parameter("bias", shape, zeros, y.dtype)


def standardized(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """(x - μ) / √(σ² + ε), with mean and variance over the given axes."""
    centred = x - m.mean(x, axis=axes, keepdims=True)
    variance = m.mean(centred * centred, axis=axes, keepdims=True)
    return centred * m.rsqrt(variance + epsilon)


class BatchNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each channel (the last axis) over all others.

    In training μ and σ² are those of the batch, and the running statistics move towards them:
    running ← (1 - momentum) · running + momentum · batch (with the unbiased variance, as PyTorch).
    Outside training the running statistics are used.

    x: (..., channels); weight, bias, running_mean, running_variance: (channels,); weight and bias
    are absent with `affine=False`.
    Ioffe & Szegedy, "Batch normalization", ICML 2015.

    Raises `InvalidArgumentError` unless 0 <= momentum <= 1 and epsilon > 0.
    """

    buffer_names = ("running_mean", "running_variance")

    def __init__(self, *, momentum: float = 0.1, epsilon: float = 1e-5, affine: bool = True):
        self.momentum = check_number("momentum", momentum, at_least=0, at_most=1)
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.affine = affine
        self.weight: Any = None
        self.bias: Any = None
        self.running_mean: Any = None
        self.running_variance: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        channels = (x.shape[-1],)
        if self.affine:
            weight = self.parameter("weight", channels, ones, x.dtype)
            bias = self.parameter("bias", channels, zeros, x.dtype)
        mean = self.buffer("running_mean", np.zeros(channels, x.dtype))
        variance = self.buffer("running_variance", np.ones(channels, x.dtype))
        if is_training():
            mean, variance = self._batch_statistics(x)
        scale = m.rsqrt(variance + self.epsilon)
        if not self.affine:
            return (x - mean) * scale
        return (x - mean) * (scale * weight) + bias

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
        return written(
            self,
            momentum=(self.momentum, 0.1),
            epsilon=(self.epsilon, 1e-5),
            affine=(self.affine, True),
        )


class LayerNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each sample over its last axis, or last axes.

    axes: over how many of the last axes; with 2, for x of shape (batch, a, b), it is PyTorch's
    `LayerNorm((a, b))`.
    x: (..., features); weight, bias: (features,), or the lengths of the last `axes` axes; absent
    with `affine=False`.
    Ba, Kiros & Hinton, "Layer normalization", 2016.

    Raises `InvalidArgumentError` unless epsilon > 0 and axes >= 1, `ShapeError` for fewer axes.
    """

    def __init__(self, *, epsilon: float = 1e-5, axes: int = 1, affine: bool = True):
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.axes = check_count("axes", axes, at_least=1)
        self.affine = affine
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=self.axes)
        y = standardized(x, _last(self.axes), self.epsilon)
        return scaled(self, y, tuple(x.shape[-self.axes :])) if self.affine else y

    def __repr__(self) -> str:
        return written(
            self, epsilon=(self.epsilon, 1e-5), axes=(self.axes, 1), affine=(self.affine, True)
        )


class RMSNorm(Module):
    """y = x / √(mean(x²) + ε) · weight, for each sample over its last axis, or last axes.

    epsilon: by default that of the data type (1.2e-7 for float32), as in PyTorch.
    axes: over how many of the last axes.
    x: (..., features); weight: (features,), or the lengths of the last `axes` axes; absent with
    `affine=False`.
    Zhang & Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Raises `InvalidArgumentError` unless epsilon > 0 and axes >= 1, `ShapeError` for fewer axes.
    """

    def __init__(self, *, epsilon: float | None = None, axes: int = 1, affine: bool = True):
        self.epsilon = None if epsilon is None else check_number("epsilon", epsilon, above=0)
        self.axes = check_count("axes", axes, at_least=1)
        self.affine = affine
        self.weight: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=self.axes)
        epsilon = float(np.finfo(x.dtype).eps) if self.epsilon is None else self.epsilon
        square = m.mean(x * x, axis=_last(self.axes), keepdims=True)
        y = x * m.rsqrt(square + epsilon)
        if not self.affine:
            return y
        return y * self.parameter("weight", tuple(x.shape[-self.axes :]), ones, x.dtype)

    def __repr__(self) -> str:
        return written(
            self, epsilon=(self.epsilon, None), axes=(self.axes, 1), affine=(self.affine, True)
        )


class UnitNorm(Module):
    """y = x / max(‖x‖, ε): the last axis brought to length 1.

    x: (..., features) -> y of the same shape. As `torch.nn.functional.normalize`.
    Raises `InvalidArgumentError` for an epsilon below 1e-12, whose powers in the gradient of x = 0
    float32 could not hold.

    Source: none.
    """

    def __init__(self, *, epsilon: float = 1e-12):
        self.epsilon = check_number("epsilon", epsilon, at_least=1e-12)

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        square = m.sum(x * x, axis=-1, keepdims=True)
        return x * m.rsqrt(m.maximum(square, self.epsilon**2))

    def __repr__(self) -> str:
        return written(self, epsilon=(self.epsilon, 1e-12))


def _last(axes: int) -> tuple[int, ...]:
    return tuple(range(-axes, 0))
