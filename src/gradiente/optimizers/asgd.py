"""Averaged SGD: plain descent, and the mean of the points it visits."""

from dataclasses import replace

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.optimizer import (
    Array,
    LearningRate,
    Named,
    Optimizer,
    Slots,
    declare,
    like,
    per_parameter,
)


@declare
def ASGD(
    learning_rate: LearningRate = 1e-2,
    *,
    decay: float = 1e-4,
    power: float = 0.75,
    start: float = 1e6,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Stochastic gradient descent whose answer is the mean of the parameters.

        g ← g + λ θ                                  λ weight_decay, coupled (L2)
        ηₜ = η / (1 + κ η t)^α                       κ decay, α power, t = 0, 1, …
        Δθ = −κ ηₜ θ − ηₜ g
        a ← a + (θ − a) / max(1, t − t₀)             t₀ start: the mean of all θ after it

    `optimizer.averaged(state, parameters)` is a. Conventions and defaults are PyTorch's (lambd,
    alpha, t0); ηₜ is rounded to float32, as there. Arguments that make no sense raise
    `InvalidArgumentError`.

    B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30, 1992.
    """
    decay = check_number("decay", decay, at_least=0)
    power = check_number("power", power, at_least=0)
    start = check_number("start", start, at_least=0)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def initial(parameter: Array) -> Slots:
        return {"average": np.array(parameter)}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        time = step.astype(np.float64)
        exact = rate / np.power(1 + decay * rate * time, power)
        step_size = exact.astype(np.float32).astype(np.float64)
        move = -like(decay * step_size, parameter) * parameter
        move = move - like(step_size, parameter) * gradient
        share = like(1 / np.maximum(time - start, 1.0), parameter)
        average = slots["average"] + (parameter + move - slots["average"]) * share
        return move, {"average": average}

    optimizer = per_parameter(
        "ASGD",
        initial,
        update,
        learning_rate=learning_rate,
        decay=decay,
        power=power,
        start=start,
        weight_decay=weight_decay,
    )
    return replace(optimizer, average=_averages)


def _averages(slots: Slots, parameters: Named) -> Named:
    return {path: slots[path]["average"] for path in parameters}
