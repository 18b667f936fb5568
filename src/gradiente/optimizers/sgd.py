"""Stochastic gradient descent, with momentum and Nesterov's look-ahead."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import (
    Array,
    LearningRate,
    Optimizer,
    Slots,
    declare,
    like,
    per_parameter,
)
from gradiente.optimizers.scheduled import Scheduled, check_scheduled, times, value_at


@declare
def SGD(
    learning_rate: LearningRate = 1e-3,
    *,
    momentum: Scheduled = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: Scheduled = 0.0,
) -> Optimizer:
    """Stochastic gradient descent: every parameter moves against its gradient.

        g ← g + λ θ                      λ weight_decay, coupled (L2)
        v ← μ v + (1 − τ) g              μ momentum, τ dampening; v ← g at the first step
        Δθ = −η v                        or −η (g + μ v) with nesterov;  −η g without momentum

    Conventions and defaults are PyTorch's: dampening does not apply to the first step, and the
    velocity holds gradients, not updates, so that a change of the rate acts at once. Momentum and
    weight decay may follow a schedule, such as a momentum that falls while the rate rises.
    Nesterov's method needs a momentum and no dampening, otherwise `InvalidArgumentError`.

    H. Robbins, S. Monro, "A stochastic approximation method", 1951; B. T. Polyak, "Some methods of
    speeding up the convergence of iteration methods", 1964; I. Sutskever et al., "On the importance
    of initialization and momentum in deep learning", ICML 2013.
    """
    momentum = check_scheduled("momentum", momentum, at_least=0, below=1)
    dampening = check_number("dampening", dampening, at_least=0, at_most=1)
    weight_decay = check_scheduled("weight_decay", weight_decay, at_least=0)
    if nesterov and (momentum == 0 or dampening != 0):
        raise InvalidArgumentError("`nesterov` needs a `momentum` above 0 and `dampening=0`.")

    def initial(parameter: Array) -> Slots:
        return {"velocity": np.zeros(parameter.shape, parameter.dtype)} if momentum else {}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay:
            gradient = gradient + times(value_at(weight_decay, step), parameter)
        if not momentum:
            return -like(rate, parameter) * gradient, {}
        share = value_at(momentum, step)
        velocity = times(share, slots["velocity"]) + _damped(gradient, dampening, step)
        direction = gradient + times(share, velocity) if nesterov else velocity
        return -like(rate, parameter) * direction, {"velocity": velocity}

    return per_parameter(
        "SGD",
        initial,
        update,
        learning_rate=learning_rate,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
    )


def _damped(gradient: Array, dampening: float, step: Array) -> Array:
    """(1 − τ) g, but g itself at the first step."""
    if not dampening:
        return gradient
    share = 1.0 - dampening * (step > 0).astype(np.float64)
    return like(share, gradient) * gradient
