"""Adam and its relatives: steps scaled by running moments of the gradient."""

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import (
    adaptive_step,
    check_betas,
    decayed,
    next_moments,
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
from gradiente.optimizers.scheduled import Scheduled, check_scheduled, is_zero, times, value_at


@declare
def Adam(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: Scheduled = 0.0,
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
    weight_decay: Scheduled = 1e-2,
    amsgrad: bool = False,
) -> Optimizer:
    """Adam with decoupled weight decay: the decay does not pass through the moments.

        m, v as in `Adam`, without λ
        Δθ = −η λ θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)          λ weight_decay

    Conventions and defaults are PyTorch's: the decay is scaled by the learning rate, so it follows
    its schedule; it may have one of its own as well. Arguments that make no sense raise
    `InvalidArgumentError`.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return _adam("AdamW", learning_rate, betas, epsilon, weight_decay, amsgrad)


@declare
def AMSGrad(
    learning_rate: LearningRate = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam whose second moment never shrinks.

        m, v as in `Adam`;   v̂ ← max(v̂, v)
        Δθ = −η · (m / (1 − β₁ᵗ)) / (√(v̂ / (1 − β₂ᵗ)) + ε)

    PyTorch's `Adam(amsgrad=True)`, in its conventions: Optax corrects the bias before the maximum.
    Arguments that make no sense raise `InvalidArgumentError`.

    S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    """
    return _adam("AMSGrad", learning_rate, betas, epsilon, weight_decay, True)


def _adam(
    name: str,
    learning_rate: LearningRate,
    betas: tuple[float, float],
    epsilon: float,
    weight_decay: Scheduled,
    amsgrad: bool,
) -> Optimizer:
    betas = check_betas(betas)
    epsilon = check_number("epsilon", epsilon, at_least=0)
    weight_decay = check_scheduled("weight_decay", weight_decay, at_least=0)
    decoupled = name == "AdamW"

    def initial(parameter: Array) -> Slots:
        names = ["first_moment", "second_moment"] + ["largest_second_moment"] * amsgrad
        return zeros(parameter, *names)

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        decay = value_at(weight_decay, step)
        if not decoupled and not is_zero(decay):
            gradient = gradient + times(decay, parameter)
        slots = next_moments(gradient, slots, betas)
        move = -adaptive_step(slots, parameter, step, rate, betas, epsilon)
        return decayed(move, parameter, rate, decay if decoupled else 0.0), slots

    return per_parameter(
        name,
        initial,
        update,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
        **({} if name == "AMSGrad" else {"amsgrad": amsgrad}),
    )
