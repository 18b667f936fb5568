"""Adamax: Adam with the largest gradient of late in place of the root mean square."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import Betas, check_betas, decayed, power, running, time_of, zeros
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
def Adamax(
    learning_rate: LearningRate = 2e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with the infinity norm.

        g ← g + λ θ                              λ weight_decay, coupled (L2)
        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g| + ε)
        Δθ = −η / (1 − β₁ᵗ) · m / u              t = 1, 2, …

    Conventions and defaults are PyTorch's: ε stands inside the maximum. Arguments that make no
    sense raise `InvalidArgumentError`.

    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """
    return _adamax("Adamax", learning_rate, betas, epsilon, weight_decay)


@declare
def AdamaxW(
    learning_rate: LearningRate = 2e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 1e-2,
) -> Optimizer:
    """Adamax with decoupled weight decay.

        m, u as in `Adamax`, without λ
        Δθ = −η λ θ − η / (1 − β₁ᵗ) · m / u          λ weight_decay

    Conventions are those of PyTorch's Adamax, and its AdamW for the decay. Optax calls it adamaxw.
    Arguments that make no sense raise `InvalidArgumentError`.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return _adamax("AdamaxW", learning_rate, betas, epsilon, weight_decay)


def _adamax(
    name: str, learning_rate: LearningRate, betas: Betas, epsilon: float, weight_decay: float
) -> Optimizer:
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    decoupled = name == "AdamaxW"

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "first_moment", "largest")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay and not decoupled:
            gradient = gradient + weight_decay * parameter
        mean = running(slots["first_moment"], gradient, betas[0])
        largest = np.maximum(betas[1] * slots["largest"], np.abs(gradient) + epsilon)
        step_size = rate / (1 - power(betas[0], time_of(step)))
        move = -like(step_size, parameter) * mean / largest
        move = decayed(move, parameter, rate, weight_decay if decoupled else 0.0)
        return move, {"first_moment": mean, "largest": largest}

    return per_parameter(
        name,
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )
