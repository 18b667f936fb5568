"""RMSprop: steps scaled by the running mean of the squared gradient."""

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
def RMSprop(
    learning_rate: LearningRate = 1e-2,
    *,
    decay: float = 0.99,
    epsilon: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
) -> Optimizer:
    """RMSprop: the gradient divided by its running root mean square.

        g ← g + λ θ                      λ weight_decay, coupled (L2)
        s ← ρ s + (1 − ρ) g²             ρ decay (PyTorch's alpha)
        a ← ρ a + (1 − ρ) g              with centered, else a = 0
        d = g / (√(s − a²) + ε)
        u ← μ u + d                      μ momentum, else u = d
        Δθ = −η u

    Conventions and defaults are PyTorch's: ε stands outside the root, and the velocity u does not
    hold the learning rate. Rounding can make s − a² negative; it counts as zero. Arguments that
    make no sense raise `InvalidArgumentError`.

    T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", Coursera 2012; A. Graves, "Generating sequences
    with recurrent neural networks", arXiv:1308.0850, 2013 (centered).
    """
    decay = check_number("decay", decay, at_least=0, below=1)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    momentum = check_number("momentum", momentum, at_least=0, below=1)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        names = ["square_mean"] + ["mean"] * centered + ["velocity"] * bool(momentum)
        return {slot: np.zeros(parameter.shape, parameter.dtype) for slot in names}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        slots = _next_means(gradient, slots, decay)
        direction = gradient / (_root_mean_square(slots) + epsilon)
        if momentum:
            direction = momentum * slots["velocity"] + direction
            slots = {**slots, "velocity": direction}
        return -like(rate, parameter) * direction, slots

    return per_parameter(
        "RMSprop",
        initial,
        update,
        learning_rate=learning_rate,
        decay=decay,
        epsilon=epsilon,
        momentum=momentum,
        centered=centered,
        weight_decay=weight_decay,
    )


def _next_means(gradient: Array, slots: Slots, decay: float) -> Slots:
    square_mean = decay * slots["square_mean"] + (1 - decay) * (gradient * gradient)
    if "mean" not in slots:
        return {**slots, "square_mean": square_mean}
    mean = decay * slots["mean"] + (1 - decay) * gradient
    return {**slots, "square_mean": square_mean, "mean": mean}


def _root_mean_square(slots: Slots) -> Array:
    if "mean" not in slots:
        return np.sqrt(slots["square_mean"])
    return np.sqrt(np.maximum(slots["square_mean"] - slots["mean"] * slots["mean"], 0))
