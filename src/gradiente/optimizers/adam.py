"""Adam and its relatives: steps scaled by running moments of the gradient."""

from typing import Any

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


@declare
def Adam(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> Optimizer:
    """Adam: adaptive moment estimation.

        g ← g + λ θ                              λ weight_decay, coupled (L2)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        Δθ = −η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)          t = 1, 2, …

    With amsgrad the largest v so far takes the place of v in the last line. Conventions and
    defaults are PyTorch's: ε stands outside the root, after the correction of the bias. Arguments
    that make no sense raise `InvalidArgumentError`.

    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015; S. J. Reddi,
    S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018 (amsgrad).
    """
    return _adam("Adam", learning_rate, betas, epsilon, weight_decay, amsgrad)


@declare
def AdamW(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
) -> Optimizer:
    """Adam with decoupled weight decay: the decay does not pass through the moments.

        m, v as in `Adam`, without λ
        Δθ = −η λ θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)          λ weight_decay

    Conventions and defaults are PyTorch's: the decay is scaled by the learning rate, so it follows
    a schedule. Arguments that make no sense raise `InvalidArgumentError`.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return _adam("AdamW", learning_rate, betas, epsilon, weight_decay, amsgrad)


def _adam(
    name: str,
    learning_rate: LearningRate,
    betas: tuple[float, float],
    epsilon: float,
    weight_decay: float,
    amsgrad: bool,
) -> Optimizer:
    betas = _check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    decoupled = name == "AdamW"

    def initial(parameter: Array) -> Slots:
        names = ["first_moment", "second_moment"] + ["largest_second_moment"] * amsgrad
        return {slot: np.zeros(parameter.shape, parameter.dtype) for slot in names}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay and not decoupled:
            gradient = gradient + weight_decay * parameter
        slots = _next_moments(gradient, slots, betas)
        move = -_adaptive_step(slots, parameter, step, rate, betas, epsilon)
        if weight_decay and decoupled:
            move = move - like(rate * weight_decay, parameter) * parameter
        return move, slots

    return per_parameter(
        name,
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
    )


def _next_moments(gradient: Array, slots: Slots, betas: tuple[float, float]) -> Slots:
    """Running means of g and g², and the largest of the latter where it is kept."""
    first = betas[0] * slots["first_moment"] + (1 - betas[0]) * gradient
    second = betas[1] * slots["second_moment"] + (1 - betas[1]) * (gradient * gradient)
    moments = {"first_moment": first, "second_moment": second}
    if "largest_second_moment" in slots:
        moments["largest_second_moment"] = np.maximum(slots["largest_second_moment"], second)
    return moments


def _adaptive_step(
    slots: Slots,
    parameter: Array,
    step: Array,
    rate: Array,
    betas: tuple[float, float],
    epsilon: float,
) -> Array:
    """η · m̂ / (√v̂ + ε); the corrections of the bias are scalars, so one division is enough."""
    time = (step + 1).astype(np.float64)
    step_size = rate / (1 - betas[0] ** time)
    root_scale = 1 / np.sqrt(1 - betas[1] ** time)
    second = slots["largest_second_moment" if "largest_second_moment" in slots else "second_moment"]
    scale = np.sqrt(second) * like(root_scale, parameter) + epsilon
    return like(step_size, parameter) * slots["first_moment"] / scale


def _check_betas(betas: Any) -> tuple[float, float]:
    try:
        first, second = betas
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"`betas` is {betas!r}: it must be a pair of numbers.") from None
    return (
        check_number("betas[0]", first, at_least=0, below=1),
        check_number("betas[1]", second, at_least=0, below=1),
    )
