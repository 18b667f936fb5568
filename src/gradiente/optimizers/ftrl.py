"""FTRL-Proximal: the weights that would have been best so far, many of them exactly zero."""

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import zeros
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
def FTRL(
    learning_rate: LearningRate = 1e-3,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    beta: float = 0.0,
    initial_accumulator_value: float = 0.1,
) -> Optimizer:
    """Follow the regularized leader, for sparse linear models.

        n ← n + g²                               n starts at initial_accumulator_value
        q' = √n / η                              q that of the step before
        z ← z + g − (q' − q) θ                   z starts at −q θ
        Δθ = (clip(z, −l₁, l₁) − z) / (q' + β / η + 2 l₂) − θ

    With l₁ above zero weights that do not matter become exactly zero. Without regularisation it is
    Adagrad. Names and defaults are Keras's; PyTorch has no FTRL. Keras starts at z = 0 and so
    forgets the initial weights, and takes one rate for all steps, so a schedule would shrink the
    weights with it; otherwise the two are the same. At a rate of 0 nothing changes. Arguments that
    make no sense raise `InvalidArgumentError`.

    H. B. McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013.
    """
    l1 = check_number("l1", l1, at_least=0)
    l2 = check_number("l2", l2, at_least=0)
    beta = check_number("beta", beta, at_least=0)
    start = check_number("initial_accumulator_value", initial_accumulator_value, at_least=0)

    def initial(parameter: Array) -> Slots:
        square_sum = np.full(parameter.shape, start, parameter.dtype)
        return {**zeros(parameter, "linear", "quadratic"), "square_sum": square_sum}

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        moving = rate > 0
        rate = like(np.where(moving, rate, 1.0), parameter)
        # Before the first step that moves, z and q are those of where the parameter is.
        begun = slots["quadratic"] > 0
        past = np.where(begun, slots["quadratic"], np.sqrt(slots["square_sum"]) / rate)
        linear = np.where(begun, slots["linear"], -past * parameter)
        square_sum = slots["square_sum"] + gradient * gradient
        quadratic = np.sqrt(square_sum) / rate
        linear = linear + gradient - (quadratic - past) * parameter
        best = _best(parameter, linear, quadratic + beta / rate + 2 * l2, l1)
        following = {"linear": linear, "quadratic": quadratic, "square_sum": square_sum}
        kept = {name: np.where(moving, following[name], slots[name]) for name in slots}
        return np.where(moving, best - parameter, np.zeros_like(parameter)), kept

    return per_parameter(
        "FTRL",
        initial,
        update,
        learning_rate=learning_rate,
        l1=l1,
        l2=l2,
        beta=beta,
        initial_accumulator_value=start,
    )


def _best(parameter: Array, linear: Array, curvature: Array, l1: float) -> Array:
    """The weights of least z θ + l₁ |θ| + curvature θ² / 2."""
    none = curvature == 0  # no gradient so far, and nothing to begin with
    pulled = np.minimum(np.maximum(linear, -l1), l1) - linear
    return np.where(none, parameter, pulled / np.where(none, 1.0, curvature))
