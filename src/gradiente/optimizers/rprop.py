"""Rprop: a step for every weight that grows while the sign of its gradient stays."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.moments import check_pair, zeros
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
def Rprop(
    learning_rate: LearningRate = 1e-2,
    *,
    factors: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
) -> Optimizer:
    """Resilient backpropagation: only the sign of the gradient counts.

        s ← s · 1.2 if g g' > 0,   s · 0.5 if g g' < 0,   within step_sizes
        g ← 0 where g g' < 0
        Δθ = −s sign(g)                  g' the g of the step before; s starts at η

    factors: what a step is multiplied by after a change of sign, and without one. For full
    batches: the noise of small ones changes signs. The learning rate is the size of the first step,
    and has no meaning after it. Conventions and defaults are PyTorch's. Arguments that make no
    sense raise `InvalidArgumentError`.

    M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm", ICNN 1993.
    """
    shrink, grow = check_pair("factors", factors)
    shrink = check_number("factors[0]", shrink, above=0, below=1)
    grow = check_number("factors[1]", grow, above=1)
    smallest, largest = check_pair("step_sizes", step_sizes)
    smallest = check_number("step_sizes[0]", smallest, at_least=0)
    largest = check_number("step_sizes[1]", largest, at_least=0)
    if smallest > largest:
        raise InvalidArgumentError(f"`step_sizes` is {step_sizes!r}: the smaller one comes first.")

    def initial(parameter: Array) -> Slots:
        return zeros(parameter, "gradient", "step_size")

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        agreement = gradient * slots["gradient"]
        factor = np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
        size = np.where(step == 0, like(rate, parameter), slots["step_size"])
        size = np.minimum(np.maximum(size * like(factor, parameter), smallest), largest)
        gradient = np.where(agreement < 0, np.zeros_like(gradient), gradient)
        return -size * np.sign(gradient), {"gradient": gradient, "step_size": size}

    return per_parameter(
        "Rprop",
        initial,
        update,
        learning_rate=learning_rate,
        factors=(shrink, grow),
        step_sizes=(smallest, largest),
    )
