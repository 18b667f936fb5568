"""Adagrad: steps scaled by the sum of all squared gradients so far."""

import numpy as np

from gradiente.base.arguments import check_number
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
def Adagrad(
    learning_rate: LearningRate = 1e-2,
    *,
    learning_rate_decay: float = 0.0,
    epsilon: float = 1e-10,
    initial_accumulator_value: float = 0.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adagrad: parameters with large gradients in the past move less.

        g ← g + λ θ                                     λ weight_decay, coupled (L2)
        s ← s + g²                                      s starts at initial_accumulator_value
        Δθ = −η / (1 + κ t) · g / (√s + ε)              κ learning_rate_decay, t = 0, 1, …

    Conventions and defaults are PyTorch's: ε stands outside the root. Arguments that make no sense
    raise `InvalidArgumentError`.

    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011.
    """
    learning_rate_decay = check_number("learning_rate_decay", learning_rate_decay, at_least=0)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    start = check_number("initial_accumulator_value", initial_accumulator_value, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return {"square_sum": np.full_like(parameter, start)}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        square_sum = slots["square_sum"] + gradient * gradient
        step_size = rate / (1 + learning_rate_decay * step.astype(np.float64))
        move = -like(step_size, parameter) * gradient / (np.sqrt(square_sum) + epsilon)
        return move, {"square_sum": square_sum}

    return per_parameter(
        "Adagrad",
        initial,
        update,
        learning_rate=learning_rate,
        learning_rate_decay=learning_rate_decay,
        epsilon=epsilon,
        initial_accumulator_value=start,
        weight_decay=weight_decay,
    )
