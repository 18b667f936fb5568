"""Layers that normalise each sample of an image or sequence by groups of its channels."""

from typing import Any

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.normalization import scaled, standardized
from gradiente.nn.representation import written
from gradiente.trace.functions import m


class GroupNorm(Module):
    """y = (x - μ) / √(σ² + ε) · weight + bias, for each sample over a group of its channels.

    groups: into how many groups of equal size the channels, in their order, are divided; μ and σ²
    of a group are taken over all positions and the channels of the group.
    x: (batch, ..., channels); weight, bias: (channels,), absent with `affine=False`.
    Wu & He, "Group normalization", ECCV 2018.

    Raises `InvalidArgumentError` unless epsilon > 0 and groups >= 1, `ShapeError` if the channels
    cannot be divided.
    """

    def __init__(self, groups: int, *, epsilon: float = 1e-5, affine: bool = True):
        self.groups = check_count("groups", groups, at_least=1)
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.affine = affine
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        batch, *positions, channels = x.shape
        if channels % self.groups:
            raise ShapeError(
                f"{self!r} cannot divide {channels} channels, the last axis of an input of shape "
                f"{tuple(x.shape)}, into {self.groups} groups." + current_source().explain()
            )
        grouped = m.reshape(x, (batch, *positions, self.groups, channels // self.groups))
        axes = (*range(1, len(positions) + 1), grouped.ndim - 1)
        y = m.reshape(standardized(grouped, axes, self.epsilon), x.shape)
        return scaled(self, y, (channels,)) if self.affine else y

    def __repr__(self) -> str:
        return written(self, self.groups, epsilon=(self.epsilon, 1e-5), affine=(self.affine, True))


class InstanceNorm(Module):
    """y = (x - μ) / √(σ² + ε), for each sample and channel over all positions.

    x: (batch, ..., channels), with one axis of positions at least; with `affine=True` (not the
    default, as in PyTorch) y · weight + bias, of shape (channels,).
    Ulyanov, Vedaldi & Lempitsky, "Instance normalization", 2016.

    Raises `InvalidArgumentError` unless epsilon > 0.
    """

    def __init__(self, *, epsilon: float = 1e-5, affine: bool = False):
        self.epsilon = check_number("epsilon", epsilon, above=0)
        self.affine = affine
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=3)
        y = standardized(x, tuple(range(1, x.ndim - 1)), self.epsilon)
        return scaled(self, y, (x.shape[-1],)) if self.affine else y

    def __repr__(self) -> str:
        return written(self, epsilon=(self.epsilon, 1e-5), affine=(self.affine, False))


class LocalResponseNorm(Module):
    """y = x / (k + α/size · Σ x²)^β, the sum over `size` neighbouring channels.

    The window of channel c begins at c - size // 2, as in PyTorch; channels beyond the ends count
    as 0. x: (batch, ..., channels) -> y of the same shape.
    Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural
    networks", NeurIPS 2012.

    Raises `InvalidArgumentError` unless size >= 1 and k > 0.
    """

    def __init__(self, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        self.size = check_count("size", size, at_least=1)
        self.alpha = check_number("alpha", alpha, at_least=0)
        self.beta = check_number("beta", beta)
        self.k = check_number("k", k, above=0)

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        channels, before = x.shape[-1], self.size // 2
        ends = [(0, 0)] * (x.ndim - 1) + [(before, self.size - 1 - before)]
        squares = m.pad(x * x, ends)
        total = squares[..., :channels]
        for shift in range(1, self.size):
            total = total + squares[..., shift : shift + channels]
        return x * (self.k + self.alpha / self.size * total) ** -self.beta

    def __repr__(self) -> str:
        return written(
            self,
            self.size,
            alpha=(self.alpha, 1e-4),
            beta=(self.beta, 0.75),
            k=(self.k, 1.0),
        )
