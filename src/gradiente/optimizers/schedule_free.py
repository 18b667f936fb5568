"""Schedule-free learning: averaging in place of a learning rate that decays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import Betas, check_betas, power, running, time_of, zeros
from gradiente.optimizers.optimizer import (
    Array,
    Clock,
    LearningRate,
    Named,
    Optimizer,
    Slots,
    cast,
    check_rate,
    declare,
    like,
    widened,
)

Base = Callable[[Array, Slots, Array, Array], tuple[Array, Slots]]
"""(gradient, slots, parameter, step) -> (the direction in which z moves, slots)."""


@declare
def ScheduleFreeSGD(
    learning_rate: LearningRate = 1.0, *, momentum: float = 0.9, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent that needs no schedule: the gradient is taken between z and its average x.

        z ← z − η (g + λ θ)                      λ weight_decay; z, x from θ
        c = η̂² / Σ η̂²                            η̂ the largest η so far
        x ← (1 − c) x + c z
        Δθ = β x + (1 − β) z − θ                 β momentum

    The weights that are learned are x: `with trainer.averaged():` uses them, and so does the
    validation of a fit. Warm the rate up, but do not let it decay. Conventions and defaults are the
    authors', and those of Optax; PyTorch has none. Arguments that make no sense raise
    `InvalidArgumentError`.

    A. Defazio et al., "The road less scheduled", NeurIPS 2024.
    """
    momentum = check_number("momentum", momentum, above=0, at_most=1)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def base(gradient: Array, slots: Slots, parameter: Array, step: Array) -> tuple[Array, Slots]:
        return (gradient + weight_decay * parameter if weight_decay else gradient), {}

    options = {"momentum": momentum, "weight_decay": weight_decay}
    return _schedule_free("ScheduleFreeSGD", learning_rate, momentum, (), base, options)


@declare
def ScheduleFreeAdamW(
    learning_rate: LearningRate = 2.5e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """AdamW that needs no schedule: the gradient is taken between z and its average x.

        v ← β₂ v + (1 − β₂) g²
        z ← z − η (g / (√(v / (1 − β₂ᵗ)) + ε) + λ θ)      λ weight_decay; z, x from θ; t = 1, 2, …
        c = η̂² / Σ η̂²                                     η̂ the largest η so far
        x ← (1 − c) x + c z
        Δθ = β₁ x + (1 − β₁) z − θ

    The weights that are learned are x: `with trainer.averaged():` uses them, and so does the
    validation of a fit. Warm the rate up, but do not let it decay. Conventions and defaults are the
    authors', and those of Optax; PyTorch has none. Arguments that make no sense raise
    `InvalidArgumentError`.

    A. Defazio et al., "The road less scheduled", NeurIPS 2024.
    """
    betas = check_betas(betas)
    check_number("betas[0]", betas[0], above=0)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def base(gradient: Array, slots: Slots, parameter: Array, step: Array) -> tuple[Array, Slots]:
        second = running(slots["second_moment"], gradient * gradient, betas[1])
        bias = like(1 - power(betas[1], time_of(step)), parameter)
        direction = gradient / (np.sqrt(second / bias) + epsilon)
        if weight_decay:
            direction = direction + weight_decay * parameter
        return direction, {"second_moment": second}

    options = {"betas": betas, "epsilon": epsilon, "weight_decay": weight_decay}
    slots = ("second_moment",)
    return _schedule_free("ScheduleFreeAdamW", learning_rate, betas[0], slots, base, options)


def _schedule_free(
    name: str,
    learning_rate: LearningRate,
    beta: float,
    names: tuple[str, ...],
    base: Base,
    options: dict[str, Any],
) -> Optimizer:
    """Schedule-free learning from a rule for z; names: the slots of this rule, zero at first."""
    learning_rate = check_rate(learning_rate)

    def initial_slots(parameters: Named) -> Slots:
        own = {
            path: {"z": np.array(widened(value)), **zeros(widened(value), *names)}
            for path, value in parameters.items()
        }
        return {"parameters": own, "largest_rate": np.zeros(()), "total_weight": np.zeros(())}

    def rule(
        gradients: Named, slots: Slots, parameters: Named, clock: Clock
    ) -> tuple[Named, Slots]:
        rate = clock.rate(learning_rate)
        largest = np.maximum(slots["largest_rate"], rate)
        weight = largest * largest
        total = slots["total_weight"] + weight
        share = np.where(total > 0, weight / np.where(total > 0, total, 1.0), 0.0)
        updates, following = {}, {}
        for path, parameter in parameters.items():
            own, wide = slots["parameters"][path], widened(parameter)
            direction, kept = base(widened(gradients[path]), own, wide, clock.step)
            move = -like(rate, wide) * direction
            # β x + (1 − β) z after the step, with x written as (θ − (1 − β) z) / β before it
            whole = like(1 - beta * (1 - share), wide) * move
            update = like(share, wide) * (own["z"] - wide) + whole
            updates[path] = cast(update, parameter.dtype)
            following[path] = {"z": own["z"] + move, **kept}
        return updates, {
            "parameters": following,
            "largest_rate": largest,
            "total_weight": total,
        }

    def average(slots: Slots, parameters: Named) -> Named:
        return {
            path: (widened(value) - (1 - beta) * slots["parameters"][path]["z"]) / beta
            for path, value in parameters.items()
        }

    options = {"learning_rate": learning_rate, **options}
    return Optimizer(name, initial_slots, rule, learning_rate, options, average=average)
