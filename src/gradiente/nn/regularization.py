"""Layers that act in training only, to make the network generalise."""

from typing import Any

from gradiente.base.arguments import check_number
from gradiente.nn.context import is_training, next_key
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.trace.functions import m
from gradiente.trace.random import bernoulli


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
        kept = bernoulli(next_key(), 1.0 - self.rate, x.shape)
        return m.where(kept, x / (1.0 - self.rate), 0.0)

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
