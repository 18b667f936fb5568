"""Layers that act in training only, to make the network generalise."""

import math
from collections.abc import Callable
from typing import Any

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.nn.context import add_loss, is_training, next_key
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.nn.representation import written
from gradiente.trace.functions import m
from gradiente.trace.random import bernoulli, normal

SELU_LIMIT = -1.0507009873554805 * 1.6732632423543772  # -λα of SELU


class Dropout(Module):
    """In training y = x · kept / (1 - rate), where each element is kept with probability 1 - rate.

    Outside training y = x. Which elements are dropped is a pure function of (seed, step, layer).
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15 (2014).

    Raises `InvalidArgumentError` unless 0 <= rate < 1.
    """

    def __init__(self, rate: float):
        self.rate = check_number("rate", rate, at_least=0, below=1)

    def __call__(self, x: Any) -> Any:
        x = floating(x)
        if not is_training() or self.rate == 0.0:
            return x
        return dropped(x, self.rate, tuple(x.shape))

    def __repr__(self) -> str:
        return written(self, self.rate)


class SpatialDropout(Module):
    """In training y = x · kept / (1 - rate), where whole channels of a sample are kept or dropped.

    For images and sequences, whose neighbouring positions tell the same: `Dropout1d` to `3d` of
    PyTorch. x: (batch, ..., channels) -> y of the same shape. Outside training y = x.
    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Raises `InvalidArgumentError` unless 0 <= rate < 1.
    """

    def __init__(self, rate: float):
        self.rate = check_number("rate", rate, at_least=0, below=1)

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=2)
        if not is_training() or self.rate == 0.0:
            return x
        return dropped(x, self.rate, (x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1]))

    def __repr__(self) -> str:
        return written(self, self.rate)


class StochasticDepth(Module):
    """In training y = x · kept / (1 - rate), where whole samples are kept or dropped.

    For the end of the branch of a residual connection, which then is left out for some samples;
    also called DropPath. x: (batch, ...) -> y of the same shape. Outside training y = x.
    Huang et al., "Deep networks with stochastic depth", ECCV 2016.

    Raises `InvalidArgumentError` unless 0 <= rate < 1.
    """

    def __init__(self, rate: float):
        self.rate = check_number("rate", rate, at_least=0, below=1)

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        if not is_training() or self.rate == 0.0:
            return x
        return dropped(x, self.rate, (x.shape[0], *(1,) * (x.ndim - 1)))

    def __repr__(self) -> str:
        return written(self, self.rate)


class AlphaDropout(Module):
    """In training y = a · (x if kept else α′) + b, which keeps mean 0 and variance 1, for SELU.

    α′ = -λα ≈ -1.758 is what SELU tends to; a = 1 / √((1 - rate)(1 + rate · α′²)) and
    b = -a · α′ · rate. Outside training y = x.
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Raises `InvalidArgumentError` unless 0 <= rate < 1.
    """

    def __init__(self, rate: float):
        self.rate = check_number("rate", rate, at_least=0, below=1)

    def __call__(self, x: Any) -> Any:
        x = floating(x)
        if not is_training() or self.rate == 0.0:
            return x
        kept = bernoulli(next_key(), 1.0 - self.rate, tuple(x.shape))
        scale = 1.0 / math.sqrt((1.0 - self.rate) * (1.0 + self.rate * SELU_LIMIT**2))
        return scale * m.where(kept, x, SELU_LIMIT) - scale * SELU_LIMIT * self.rate

    def __repr__(self) -> str:
        return written(self, self.rate)


class GaussianDropout(Module):
    """In training y = x · n,   n ~ N(1, rate / (1 - rate)): the mean and variance of dropout.

    Outside training y = x.
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15 (2014), section 10.

    Raises `InvalidArgumentError` unless 0 <= rate < 1.
    """

    def __init__(self, rate: float):
        self.rate = check_number("rate", rate, at_least=0, below=1)

    def __call__(self, x: Any) -> Any:
        x = floating(x)
        if not is_training() or self.rate == 0.0:
            return x
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return x * normal(next_key(), tuple(x.shape), x.dtype, 1.0, deviation)

    def __repr__(self) -> str:
        return written(self, self.rate)


class GaussianNoise(Module):
    """In training y = x + n,   n ~ N(0, std²); outside training y = x.

    Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7
    (1995). Raises `InvalidArgumentError` for a negative std.
    """

    def __init__(self, std: float):
        self.std = check_number("std", std, at_least=0)

    def __call__(self, x: Any) -> Any:
        x = floating(x)
        if not is_training() or self.std == 0.0:
            return x
        return x + normal(next_key(), tuple(x.shape), x.dtype, 0.0, self.std)

    def __repr__(self) -> str:
        return written(self, self.std)


class ActivityRegularization(Module):
    """y = x; a penalty R(x) / n for what passes through is added to the loss of a training step.

    regularizer: R, of `gradiente.regularizers`, or any function of an array that returns a number.
    n is the number of samples, so that the penalty does not depend on the size of batches; Keras's
    has no n. x: (n, ...) -> y of the same shape. The history shows it as "penalty".
    Source: Keras.

    Raises `InvalidArgumentError` unless the regularizer is a function.
    """

    def __init__(self, regularizer: Callable[[Any], Any]):
        if not callable(regularizer) or isinstance(regularizer, type):
            raise InvalidArgumentError(
                "ActivityRegularization takes a regularizer, such as regularizers.L1(1e-5), not "
                f"{regularizer!r}."
            )
        self.regularizer = regularizer

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        if is_training():
            add_loss(self.regularizer(x) / max(x.shape[0], 1))
        return x

    def __repr__(self) -> str:
        return written(self, self.regularizer)


def dropped(x: Any, rate: float, shape: tuple[int, ...]) -> Any:
    """x · kept / (1 - rate), one draw for each element of an array of this shape."""
    kept = bernoulli(next_key(), 1.0 - rate, shape)
    return m.where(kept, x / (1.0 - rate), 0.0)
