"""Optimizers that use only signs, and so move every weight by the same amount: SignSGD, Lion."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import Betas, check_betas, decayed, running, zeros
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
def SignSGD(
    learning_rate: LearningRate = 1e-3, *, momentum: float = 0.0, weight_decay: float = 0.0
) -> Optimizer:
    """The sign of the gradient, or with momentum that of its running mean, which is `Signum`.

        m ← μ m + (1 − μ) g                      μ momentum
        Δθ = −η (sign(m) + λ θ)                  λ weight_decay, decoupled

    Conventions are those of Optax's sign_sgd; PyTorch has none. Arguments that make no sense raise
    `InvalidArgumentError`.

    J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, "signSGD: compressed optimisation
    for non-convex problems", ICML 2018.
    """
    return _sign("SignSGD", learning_rate, momentum, weight_decay)


@declare
def Signum(
    learning_rate: LearningRate = 1e-3, *, momentum: float = 0.9, weight_decay: float = 0.0
) -> Optimizer:
    """The sign of the running mean of the gradient.

        m ← μ m + (1 − μ) g                      μ momentum
        Δθ = −η (sign(m) + λ θ)                  λ weight_decay, decoupled

    Conventions and defaults are those of Optax's signum; PyTorch has none. Arguments that make no
    sense raise `InvalidArgumentError`.

    J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, "signSGD: compressed optimisation
    for non-convex problems", ICML 2018.
    """
    return _sign("Signum", learning_rate, momentum, weight_decay)


def _sign(
    name: str, learning_rate: LearningRate, momentum: float, weight_decay: float
) -> Optimizer:
    momentum = check_number("momentum", momentum, at_least=0, below=1)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "mean") if momentum else {}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        mean = running(slots["mean"], gradient, momentum) if momentum else gradient
        move = -like(rate, parameter) * np.sign(mean)
        return decayed(move, parameter, rate, weight_decay), {"mean": mean} if momentum else {}

    return per_parameter(
        name,
        initial,
        update,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )


@declare
def Lion(
    learning_rate: LearningRate = 1e-4,
    *,
    betas: Betas = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> Optimizer:
    """The sign of a mixture of gradient and momentum, in half the memory of Adam.

        u = sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g
        Δθ = −η (u + λ θ)                        λ weight_decay, decoupled

    All weights move by η, so it wants a rate a third to a tenth of Adam's, and a larger decay.
    Defaults are the paper's; PyTorch has no Lion, Optax and Keras have the same one. Arguments that
    make no sense raise `InvalidArgumentError`.

    X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023.
    """
    betas = check_betas(betas)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "mean")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        direction = np.sign(running(slots["mean"], gradient, betas[0]))
        move = decayed(-like(rate, parameter) * direction, parameter, rate, weight_decay)
        return move, {"mean": running(slots["mean"], gradient, betas[1])}

    return per_parameter(
        "Lion",
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        weight_decay=weight_decay,
    )
