"""Relatives of Adam with another second moment: AdaBelief, Yogi."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import (
    Betas,
    adaptive_step,
    check_betas,
    decayed,
    running,
    zeros,
)
from gradiente.optimizers.optimizer import (
    Array,
    LearningRate,
    Optimizer,
    Slots,
    declare,
    per_parameter,
)


@declare
def AdaBelief(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-16,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam scaled by how far gradients are from their running mean: large steps where they agree.

        m ← β₁ m + (1 − β₁) g
        s ← β₂ s + (1 − β₂) (g − m)² + ε
        Δθ = −η λ θ − η · (m / (1 − β₁ᵗ)) / (√(s / (1 − β₂ᵗ)) + ε)      λ weight_decay, decoupled

    Conventions and defaults are those of the authors and of Optax; PyTorch has no AdaBelief.
    Arguments that make no sense raise `InvalidArgumentError`.

    J. Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients",
    NeurIPS 2020.
    """
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "first_moment", "second_moment")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        first = running(slots["first_moment"], gradient, betas[0])
        surprise = gradient - first
        second = running(slots["second_moment"], surprise * surprise, betas[1]) + epsilon
        slots = {"first_moment": first, "second_moment": second}
        move = -adaptive_step(slots, parameter, step, rate, betas, epsilon)
        return decayed(move, parameter, rate, weight_decay), slots

    return per_parameter(
        "AdaBelief",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )


@declare
def Yogi(
    learning_rate: LearningRate = 1e-2,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-3,
    initial_accumulator_value: float = 1e-6,
) -> Optimizer:
    """Adam whose second moment changes by a bounded amount, which suits rare gradients.

        m ← β₁ m + (1 − β₁) g
        v ← v − (1 − β₂) sign(v − g²) g²         v starts at initial_accumulator_value
        Δθ = −η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

    Defaults are the paper's; Optax is the same but for m, which it starts at the value of v, and
    PyTorch has no Yogi. Arguments that make no sense raise `InvalidArgumentError`.

    M. Zaheer, S. J. Reddi, D. Sachan, S. Kale, S. Kumar, "Adaptive methods for nonconvex
    optimization", NeurIPS 2018.
    """
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    start = check_number("initial_accumulator_value", initial_accumulator_value, at_least=0)

    def initial(parameter: Array) -> Slots:
        second = np.full(parameter.shape, start, parameter.dtype)
        return {**zeros(parameter, "first_moment"), "second_moment": second}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        square, second = gradient * gradient, slots["second_moment"]
        slots = {
            "first_moment": running(slots["first_moment"], gradient, betas[0]),
            "second_moment": second - (1 - betas[1]) * (np.sign(second - square) * square),
        }
        return -adaptive_step(slots, parameter, step, rate, betas, epsilon), slots

    return per_parameter(
        "Yogi",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        initial_accumulator_value=start,
    )
