"""Optimizers whose steps are scaled parameter by parameter, by norms: LARS, LAMB, NovoGrad."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import (
    Betas,
    adaptive_step,
    check_betas,
    next_moments,
    norm,
    running,
    square_sum,
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
def LARS(
    learning_rate: LearningRate = 1.0,
    *,
    momentum: float = 0.9,
    trust_coefficient: float = 1e-3,
    epsilon: float = 0.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Layer-wise adaptive rate scaling: steps in proportion to the norm of the parameter.

        d = g + λ θ                              λ weight_decay
        v ← μ v + η κ ‖θ‖ / (‖d‖ + ε) · d        κ trust_coefficient, μ momentum
        Δθ = −v                                  the quotient is 1 / κ where a norm is zero

    The velocity holds the rate, as in the paper. Conventions are Optax's; PyTorch has no LARS.
    Exclude biases and scales with `groups`, as the paper does. Arguments that make no sense raise
    `InvalidArgumentError`.

    Y. You, I. Gitman, B. Ginsburg, "Large batch training of convolutional networks",
    arXiv:1708.03888, 2017.
    """
    momentum = check_number("momentum", momentum, at_least=0, below=1)
    trust_coefficient = check_number("trust_coefficient", trust_coefficient, above=0)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "velocity")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        direction = gradient + weight_decay * parameter if weight_decay else gradient
        trust = _trust_ratio(parameter, direction, trust_coefficient, epsilon)
        velocity = momentum * slots["velocity"] + like(rate, parameter) * trust * direction
        return -velocity, {"velocity": velocity}

    return per_parameter(
        "LARS",
        initial,
        update,
        learning_rate=learning_rate,
        momentum=momentum,
        trust_coefficient=trust_coefficient,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )


@declare
def LAMB(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: Betas = (0.9, 0.999),
    epsilon: float = 1e-6,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with steps in proportion to the norm of the parameter, for very large batches.

        m, v as in `Adam`
        u = m̂ / (√v̂ + ε) + λ θ                  λ weight_decay
        Δθ = −η ‖θ‖ / ‖u‖ · u                    the quotient is 1 where a norm is zero

    Conventions and defaults are Optax's, and tinygrad's; PyTorch has no LAMB. Arguments that make
    no sense raise `InvalidArgumentError`.

    Y. You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR
    2020.
    """
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "first_moment", "second_moment")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        slots = next_moments(gradient, slots, betas)
        direction = adaptive_step(slots, parameter, step, np.float64(1.0), betas, epsilon)
        if weight_decay:
            direction = direction + weight_decay * parameter
        trust = _trust_ratio(parameter, direction)
        return -like(rate, parameter) * trust * direction, slots

    return per_parameter(
        "LAMB",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )


@declare
def NovoGrad(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: Betas = (0.9, 0.25),
    epsilon: float = 1e-6,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Momentum of normalized gradients, with one second moment for a whole parameter.

        v ← β₂ v + (1 − β₂) ‖g‖²                 v ← ‖g‖² at the first step
        m ← β₁ m + g / (√v + ε) + λ θ            λ weight_decay
        Δθ = −η m

    Conventions and defaults are Optax's; PyTorch has no NovoGrad. Arguments that make no sense
    raise `InvalidArgumentError`.

    B. Ginsburg et al., "Stochastic gradient methods with layer-wise adaptive moments for training
    of deep networks", arXiv:1905.11286, 2019.
    """
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return {**zeros(parameter, "mean"), "square_norm": np.zeros((), parameter.dtype)}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        now = square_sum(gradient)
        square_norm = np.where(step == 0, now, running(slots["square_norm"], now, betas[1]))
        direction = gradient / (np.sqrt(square_norm) + epsilon)
        if weight_decay:
            direction = direction + weight_decay * parameter
        mean = betas[0] * slots["mean"] + direction
        return -like(rate, parameter) * mean, {"mean": mean, "square_norm": square_norm}

    return per_parameter(
        "NovoGrad",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
    )


def _trust_ratio(
    parameter: Array, direction: Array, coefficient: float = 1.0, epsilon: float = 0.0
) -> Array:
    """κ ‖θ‖ / (‖d‖ + ε), but 1 where a norm is zero and the parameter would never move."""
    size, length = norm(parameter), norm(direction)
    none = (size == 0) | (length == 0)
    return np.where(none, 1.0, coefficient * size / np.where(none, 1.0, length + epsilon))
