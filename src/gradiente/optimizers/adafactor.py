"""Adafactor: Adam's second moment in the memory of a row and a column."""

import math

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.optimizers.moments import decayed, square_sum, time_of, zeros
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
def Adafactor(
    learning_rate: LearningRate = 1e-2,
    *,
    decay_power: float = 0.8,
    epsilon: float | None = None,
    smallest_scale: float = 1e-3,
    clip_threshold: float = 1.0,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Steps relative to the size of the parameter, scaled by a factored second moment.

        r ← r + t^−c (mean of g² along a row − r),   k likewise along a column     c decay_power
        v = r k / max(mean of r, ε)              for matrices; vectors keep v itself
        u = g / √max(v, ε²)
        α = max(ε₂, rms θ) · min(η, 1 / √t)      ε₂ smallest_scale, rms x = ‖x‖ / √n, t = 1, 2, …
        Δθ = −η λ θ − α u / max(1, rms u / d)    d clip_threshold, λ weight_decay

    Rows and columns are the last two axes. ε is that of the data type by default. Conventions and
    defaults are PyTorch's (beta2_decay = −c, eps = (ε, ε₂)), which has no first moment. Arguments
    that make no sense raise `InvalidArgumentError`.

    N. Shazeer, M. Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML
    2018.
    """
    decay_power = check_number("decay_power", decay_power, at_least=0)
    if epsilon is not None:
        epsilon = check_number("epsilon", epsilon, at_least=0)
    smallest_scale = check_number("smallest_scale", smallest_scale, at_least=0)
    clip_threshold = check_number("clip_threshold", clip_threshold, at_least=1)
    weight_decay = check_number("weight_decay", weight_decay, at_least=0)

    def update(
        gradient: Array, slots: Slots, parameter: Array, step: Array, rate: Array
    ) -> tuple[Array, Slots]:
        time = time_of(step)
        tiny = float(np.finfo(parameter.dtype).eps) if epsilon is None else epsilon
        slots = _next_factors(gradient, slots, like(np.power(time, -decay_power), parameter))
        direction = gradient / np.sqrt(np.maximum(_second_moment(slots, tiny), tiny * tiny))
        relative = like(np.minimum(rate, 1 / np.sqrt(time)), parameter)
        size = relative * np.maximum(_root_mean_square(parameter), smallest_scale)
        excess = np.maximum(_root_mean_square(direction) / clip_threshold, 1.0)
        return decayed(-size / excess * direction, parameter, rate, weight_decay), slots

    return per_parameter(
        "Adafactor",
        _initial,
        update,
        learning_rate=learning_rate,
        decay_power=decay_power,
        epsilon=epsilon,
        smallest_scale=smallest_scale,
        clip_threshold=clip_threshold,
        weight_decay=weight_decay,
    )


def _initial(parameter: Array) -> Slots:
    if len(parameter.shape) < 2:
        return zeros(parameter, "second_moment")
    *outer, rows, columns = parameter.shape
    return {
        "row_moment": np.zeros((*outer, rows, 1), parameter.dtype),
        "column_moment": np.zeros((*outer, 1, columns), parameter.dtype),
    }


def _next_factors(gradient: Array, slots: Slots, share: Array) -> Slots:
    """The slots moved by `share` of the way to the squares of a gradient."""
    square = gradient * gradient
    values = {"second_moment": square} if "second_moment" in slots else _means(square)
    return {name: slots[name] + share * (values[name] - slots[name]) for name in slots}


def _means(square: Array) -> Slots:
    """Means along the rows and the columns; those of nothing are zero."""
    rows, columns = square.shape[-2:]
    return {
        "row_moment": np.sum(square, axis=-1, keepdims=True) / max(columns, 1),
        "column_moment": np.sum(square, axis=-2, keepdims=True) / max(rows, 1),
    }


def _second_moment(slots: Slots, epsilon: float) -> Array:
    if "second_moment" in slots:
        return slots["second_moment"]
    row, column = slots["row_moment"], slots["column_moment"]
    mean = np.sum(row, axis=-2, keepdims=True) / max(row.shape[-2], 1)
    return row * column / np.maximum(mean, epsilon)


def _root_mean_square(array: Array) -> Array:
    return np.sqrt(square_sum(array) / max(math.prod(array.shape), 1))
