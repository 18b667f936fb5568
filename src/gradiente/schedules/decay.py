"""Schedules that stay or fall: constant, step, exponential, linear and cosine."""

import math

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.schedule import Array, Schedule, declare
from gradiente.schedules.warm_up import risen


@declare
def constant(learning_rate: float) -> Schedule:
    """The same rate at every step.          η(t) = η₀

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)

    def function(step: Array) -> Array:
        return np.full_like(step, learning_rate)

    return Schedule("constant", function, {"learning_rate": learning_rate})


@declare
def step(learning_rate: float, every: int, factor: float = 0.1) -> Schedule:
    """A multiplication every so many steps.          η(t) = η₀ γ^⌊t / n⌋

    n every, γ factor; PyTorch's StepLR. Raises `InvalidArgumentError` unless n ≥ 1 and γ ≥ 0.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    every = check_count("every", every, at_least=1)
    factor = check_number("factor", factor, at_least=0)

    def function(step: Array) -> Array:
        return learning_rate * factor ** np.floor(step / every)

    options = {"learning_rate": learning_rate, "every": every, "factor": factor}
    return Schedule("step", function, options)


@declare
def exponential(
    learning_rate: float, factor: float, every: int = 1, minimum: float = 0.0
) -> Schedule:
    """A smooth exponential fall.          η(t) = max(η₀ γ^(t / n), minimum)

    γ factor, n every: after n steps the rate is γ times what it was. With n = 1 PyTorch's
    ExponentialLR, else Optax's exponential_decay. Raises `InvalidArgumentError` unless n ≥ 1,
    γ > 0.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    factor = check_number("factor", factor, above=0)
    every = check_count("every", every, at_least=1)
    minimum = check_number("minimum", minimum, at_least=0)

    def function(step: Array) -> Array:
        return np.maximum(learning_rate * factor ** (step / every), minimum)

    options = {"factor": factor, "every": every, "minimum": minimum}
    return Schedule("exponential", function, {"learning_rate": learning_rate, **options})


@declare
def linear(learning_rate: float, steps: int, final: float = 0.0) -> Schedule:
    """A straight line, then constant.          η(t) = η₀ + (η₁ − η₀) min(t / n, 1)

    n steps, η₁ final; rises if η₁ is larger. PyTorch's LinearLR with rates instead of factors.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    final = check_number("final", final, at_least=0)

    def function(step: Array) -> Array:
        return learning_rate + (final - learning_rate) * np.minimum(step / steps, 1.0)

    options = {"learning_rate": learning_rate, "steps": steps, "final": final}
    return Schedule("linear", function, options)


@declare
def cosine(
    learning_rate: float,
    steps: int,
    warmup_steps: int = 0,
    final: float = 0.0,
    start: float = 0.0,
) -> Schedule:
    """A linear rise, then half a cosine down, then constant.

        η(t) = η_s + (η₀ − η_s) t / w                                    while t < w
        η(t) = η₁ + (η₀ − η₁) (1 + cos(π min((t − w) / (n − w), 1))) / 2     after

    w warmup_steps, n steps (warm-up included), η₁ final, η_s start. Without warm-up PyTorch's
    CosineAnnealingLR up to step n; with it Optax's warmup_cosine_decay_schedule. Raises
    `InvalidArgumentError` unless w < n.

    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    warmup_steps = check_count("warmup_steps", warmup_steps)
    final = check_number("final", final, at_least=0)
    start = check_number("start", start, at_least=0)
    if warmup_steps >= steps:
        raise InvalidArgumentError(
            f"`warmup_steps` is {warmup_steps}: it must be below `steps`, {steps}, "
            "which counts the warm-up as well."
        )

    def fall(step: Array) -> Array:
        angle = math.pi * np.minimum(step / (steps - warmup_steps), 1.0)
        return final + (learning_rate - final) * (1 + np.cos(angle)) / 2

    function = risen(fall, learning_rate, warmup_steps, start) if warmup_steps else fall
    options = {"steps": steps, "warmup_steps": warmup_steps, "final": final, "start": start}
    return Schedule("cosine", function, {"learning_rate": learning_rate, **options})
