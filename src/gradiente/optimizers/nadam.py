"""NAdam: Adam with Nesterov's look-ahead in its first moment."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import (
    Betas,
    check_betas,
    decayed,
    next_moments,
    power,
    time_of,
    zeros,
)
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
def NAdam(
    learning_rate: LearningRate = 2e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
) -> Optimizer:
    """Adam with Nesterov's momentum, which grows towards β₁.

        g ← g + λ θ                                  λ weight_decay, coupled (L2)
        μₜ = β₁ (1 − 0.96^(t ψ) / 2),   Π ← Π μₜ     ψ momentum_decay, Π from 1, t = 1, 2, …
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        Δθ = −η ((1 − μₜ) g / (1 − Π) + μₜ₊₁ m / (1 − Π μₜ₊₁)) / (√(v / (1 − β₂ᵗ)) + ε)

    Conventions and defaults are PyTorch's; Π is kept in float32, as there. Arguments that make no
    sense raise `InvalidArgumentError`.

    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """
    return _nadam("NAdam", learning_rate, betas, epsilon, weight_decay, momentum_decay)


@declare
def NAdamW(
    learning_rate: LearningRate = 2e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 1e-2,
    momentum_decay: float = 4e-3,
) -> Optimizer:
    """NAdam with decoupled weight decay.

        Δθ = −η λ θ + the update of `NAdam` without λ          λ weight_decay

    PyTorch's NAdam with decoupled_weight_decay, and the decay of its AdamW. Arguments that make no
    sense raise `InvalidArgumentError`.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return _nadam("NAdamW", learning_rate, betas, epsilon, weight_decay, momentum_decay)


def _nadam(
    name: str,
    learning_rate: LearningRate,
    betas: Betas,
    epsilon: float,
    weight_decay: float,
    momentum_decay: float,
) -> Optimizer:
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    momentum_decay = check_number("momentum_decay", momentum_decay, at_least=0)
    decoupled = name == "NAdamW"

    def initial(parameter: Array) -> Slots:
        moments = zeros(parameter, "first_moment", "second_moment")
        return {**moments, "momentum_product": np.ones((), np.float32)}

    def momentum(time: Array) -> Array:
        return betas[0] * (1 - 0.5 * power(0.96, time * momentum_decay))

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay and not decoupled:
            gradient = gradient + weight_decay * parameter
        time = time_of(step)
        now, following = momentum(time), momentum(time + 1)
        narrow = slots["momentum_product"] * now.astype(np.float32)
        product = narrow.astype(np.float64)
        moments = next_moments(gradient, slots, betas)
        scale = (
            np.sqrt(moments["second_moment"] / like(1 - power(betas[1], time), parameter)) + epsilon
        )
        of_gradient = like(rate * (1 - now) / (1 - product), parameter)
        of_mean = like(rate * following / (1 - product * following), parameter)
        move = -(of_gradient * gradient + of_mean * moments["first_moment"]) / scale
        move = decayed(move, parameter, rate, weight_decay if decoupled else 0.0)
        return move, {**moments, "momentum_product": narrow}

    return per_parameter(
        name,
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
        momentum_decay=momentum_decay,
    )
