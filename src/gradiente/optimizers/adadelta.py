"""Adadelta: steps as large as the steps before, in proportion to the gradients."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import running, zeros
from gradiente.optimizers.optimizer import (
    Array,
    LearningRate,
    Optimizer,
    Slots,
    declare,
    like,
    per_parameter,
)


@declare
def Adadelta(
    learning_rate: LearningRate = 1.0,
    *,
    decay: float = 0.9,
    epsilon: float = 1e-6,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adadelta: a step in the units of the parameter, without a rate to choose.

        g ← g + λ θ                              λ weight_decay, coupled (L2)
        s ← ρ s + (1 − ρ) g²                     ρ decay (PyTorch's rho)
        d = √(u + ε) / √(s + ε) · g
        u ← ρ u + (1 − ρ) d²
        Δθ = −η d

    Conventions and defaults are PyTorch's: ε stands inside the roots. Arguments that make no sense
    raise `InvalidArgumentError`.

    M. D. Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, 2012.
    """
    decay = check_number("decay", decay, at_least=0, at_most=1)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "square_mean", "square_step_mean")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        square_mean = running(slots["square_mean"], gradient * gradient, decay)
        past = slots["square_step_mean"]
        direction = np.sqrt(past + epsilon) / np.sqrt(square_mean + epsilon) * gradient
        past = running(past, direction * direction, decay)
        move = -like(rate, parameter) * direction
        return move, {"square_mean": square_mean, "square_step_mean": past}

    return per_parameter(
        "Adadelta",
        initial,
        update,
        learning_rate=learning_rate,
        decay=decay,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )
