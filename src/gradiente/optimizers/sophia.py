"""Sophia: momentum divided by an estimate of the curvature, and clipped."""

from dataclasses import replace

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.optimizers.moments import Betas, check_betas, decayed, running, zeros
from gradiente.optimizers.optimizer import (
    Array,
    Curvature,
    LearningRate,
    Named,
    Optimizer,
    Slots,
    declare,
    like,
    per_parameter,
    widened,
)


@declare
def Sophia(
    learning_rate: LearningRate = 1e-4,
    *,
    betas: Betas = (0.965, 0.99),
    scale: float = 0.01,
    epsilon: float = 1e-12,
    weight_decay: float = 0.0,
    every: int = 10,
) -> Optimizer:
    """Second-order steps where the curvature is known, signs of the momentum where it is small.

        m ← β₁ m + (1 − β₁) g
        h ← β₂ h + (1 − β₂) u ⊙ (H u)            every k steps; u random signs, H the Hessian
        Δθ = −η λ θ − η clip(m / max(γ h, ε), −1, 1)      γ scale, k every, λ weight_decay

    u ⊙ (H u), Hutchinson's estimate of the diagonal of the Hessian, costs about two gradients. A
    `Trainer` makes it on the batch of the step, in a step compiled for that; `update` alone knows
    nothing of the curvature, and moves by signs. Conventions and defaults are those of the paper's
    Sophia-H, with u as in Optax; PyTorch has none. Arguments that make no sense raise
    `InvalidArgumentError`.

    H. Liu, Z. Li, D. Hall, P. Liang, T. Ma, "Sophia: a scalable stochastic second-order optimizer
    for language model pre-training", ICLR 2024.
    """
    betas = check_betas(betas)
    scale = check_number("scale", scale, above=0)
    epsilon = check_number("epsilon", epsilon, above=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    every = check_count("every", every, at_least=1)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "mean", "curvature")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        mean = running(slots["mean"], gradient, betas[0])
        # Without the division m / ε, which may overflow where the curvature is zero.
        bound = np.maximum(scale * slots["curvature"], epsilon)
        direction = np.minimum(np.maximum(mean, -bound), bound) / bound
        move = decayed(-like(rate, parameter) * direction, parameter, rate, weight_decay)
        return move, {"mean": mean, "curvature": slots["curvature"]}

    def absorb(slots: Slots, estimates: Named) -> Slots:
        return {
            path: _moved(own, widened(estimates[path]), betas[1]) for path, own in slots.items()
        }

    made = per_parameter(
        "Sophia",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        scale=scale,
        epsilon=epsilon,
        weight_decay=weight_decay,
        every=every,
    )
    return replace(made, curvature=Curvature(every, absorb))


def _moved(slots: Slots, estimate: Array, decay: float) -> Slots:
    """The slots with an estimate more, but where it is not finite."""
    before = slots["curvature"]
    finite = np.isfinite(estimate)
    after = running(before, np.where(finite, estimate, before), decay)
    return {**slots, "curvature": np.where(finite, after, before)}
