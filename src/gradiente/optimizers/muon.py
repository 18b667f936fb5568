"""Muon: momentum whose matrices are made orthogonal before they move the weights."""

import math

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.optimizers.moments import (
    Betas,
    adaptive_step,
    check_betas,
    decayed,
    next_moments,
    norm,
    running,
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

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # K. Jordan's: the steepest at zero


@declare
def Muon(
    learning_rate: LearningRate = 1e-3,
    *,
    momentum: float = 0.95,
    nesterov: bool = True,
    weight_decay: float = 0.1,
    iterations: int = 5,
    epsilon: float = 1e-7,
    scale: str = "original",
    betas: Betas = (0.9, 0.999),
) -> Optimizer:
    """Momentum, orthogonalized by Newton and Schulz: all directions of a matrix move alike.

        M ← μ M + (1 − μ) G                      G the gradient, μ momentum
        B = μ M + (1 − μ) G with nesterov, else M
        X = B / max(‖B‖, ε);   X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X     iterations times
        Δθ = −η λ θ − η s X                      λ weight_decay, decoupled

    s is √max(1, outputs / inputs), or 0.2 √max(inputs, outputs) with scale="match_adamw", which
    makes updates as large as AdamW's. The rows of a kernel are all its axes but the last. Biases
    and scales follow `AdamW` with these betas, ε = 1e-8 and the same rate and decay; give others,
    such as embeddings, to it with `groups`. Conventions and defaults are PyTorch's, which iterates
    in bfloat16. Arguments that make no sense raise `InvalidArgumentError`.

    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    """
    momentum = check_number("momentum", momentum, at_least=0, below=1)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)
    iterations = check_count("iterations", iterations, at_least=1)
    epsilon = check_number("epsilon", epsilon, above=0)
    scale = check_choice("scale", scale, ("original", "match_adamw"))
    betas = check_betas(betas)

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if len(parameter.shape) < 2:
            slots = next_moments(gradient, slots, betas)
            move = -adaptive_step(slots, parameter, step, rate, betas, 1e-8)
            return decayed(move, parameter, rate, weight_decay), slots
        mean = running(slots["mean"], gradient, momentum)
        direction = running(mean, gradient, momentum) if nesterov else mean
        turned = orthogonalized(_as_matrix(direction), iterations, epsilon)
        size = like(rate * _scale(scale, *turned.shape), parameter)
        move = -size * np.reshape(turned, parameter.shape)
        return decayed(move, parameter, rate, weight_decay), {"mean": mean}

    return per_parameter(
        "Muon",
        _initial,
        update,
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=bool(nesterov),
        weight_decay=weight_decay,
        iterations=iterations,
        epsilon=epsilon,
        scale=scale,
        betas=betas,
    )


def _initial(parameter: Array) -> Slots:
    if len(parameter.shape) < 2:
        return zeros(parameter, "first_moment", "second_moment")
    return zeros(parameter, "mean")


def _as_matrix(array: Array) -> Array:
    """The rows of an array: all its axes but the last as one."""
    return np.reshape(array, (math.prod(array.shape[:-1]), array.shape[-1]))


def orthogonalized(matrix: Array, iterations: int, epsilon: float = 1e-7) -> Array:
    """A matrix with its singular values brought near 1 (between about 0.7 and 1.2).

    Every singular value σ of X / ‖X‖ becomes a σ + b σ³ + c σ⁵, and so on.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # the smaller of the two products of X and Xᵀ
    x = x / np.maximum(norm(x), epsilon)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x


def _scale(scale: str, inputs: int, outputs: int) -> float:
    """The factor s of the update of a matrix."""
    if scale == "match_adamw":
        return 0.2 * math.sqrt(max(inputs, outputs))
    return math.sqrt(max(1.0, outputs / max(inputs, 1)))
