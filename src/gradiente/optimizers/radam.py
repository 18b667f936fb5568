"""RAdam: Adam that begins without its second moment, while too little is known of it."""

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
def RAdam(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Rectified Adam: a warm-up that follows from the variance of the second moment.

        g ← g + λ θ                              λ weight_decay; −η λ θ in Δθ if decoupled
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        ρ∞ = 2 / (1 − β₂) − 1,   ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)          t = 1, 2, …
        r = √((ρ − 4) (ρ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρ))
        Δθ = −η m / (1 − β₁ᵗ) · r √(1 − β₂ᵗ) / (√v + ε)      if ρ > 5, else without r and v

    Conventions and defaults are PyTorch's: ε stands outside the root, before the correction of the
    bias. Arguments that make no sense raise `InvalidArgumentError`.

    L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.
    """
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "first_moment", "second_moment")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay and not decoupled_weight_decay:
            gradient = gradient + weight_decay * parameter
        slots = next_moments(gradient, slots, betas)
        time = time_of(step)
        known, rectified = _rectification(time, betas[1])
        adaptive = like(rectified, parameter) / (np.sqrt(slots["second_moment"]) + epsilon)
        scale = np.where(known, adaptive, 1.0)
        step_size = rate / (1 - power(betas[0], time))
        move = -like(step_size, parameter) * slots["first_moment"] * scale
        decay = weight_decay if decoupled_weight_decay else 0.0
        return decayed(move, parameter, rate, decay), slots

    return per_parameter(
        "RAdam",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
        decoupled_weight_decay=bool(decoupled_weight_decay),
    )


def _rectification(time: Array, beta: float) -> tuple[Array, Array]:
    """Whether the second moment is known well enough, and r √(1 − β₂ᵗ)."""
    bias = 1 - power(beta, time)
    longest = 2 / (1 - beta) - 1
    length = longest - 2 * time * power(beta, time) / bias
    known = length > 5
    length = np.maximum(length, 5.0)  # the root below is real, and not used, below 5
    top = (length - 4) * (length - 2) * longest
    bottom = (longest - 4) * (longest - 2) * length
    # With β₂ ≤ 2/3 the longest memory is at most 5, the second moment is never used, and the
    # quotient may be negative.
    return known, np.sqrt(top / bottom * bias) if longest > 5 else 0.0 * time
