"""Running means of gradients, and what the optimizers that keep them share."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import Array, Slots, like, widened
from gradiente.optimizers.scheduled import is_zero

Betas = tuple[float, float]


def check_betas(betas: Any) -> Betas:
    """Two decay rates within [0, 1); raises `InvalidArgumentError` for anything else."""
    first, second = check_pair("betas", betas)
    return (
        check_number("betas[0]", first, at_least=0, below=1),
        check_number("betas[1]", second, at_least=0, below=1),
    )


def check_pair(name: str, pair: Any) -> tuple[Any, Any]:
    """The two things in a pair; raises `InvalidArgumentError` if there are not two."""
    try:
        first, second = pair
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"`{name}` is {pair!r}: it must be a pair of numbers.") from None
    return first, second


def zeros(parameter: Array, *names: str) -> Slots:
    """Slots like a parameter that start at zero."""
    return {name: np.zeros(parameter.shape, parameter.dtype) for name in names}


def running(mean: Array, value: Array, decay: float) -> Array:
    """The exponential running mean with one value more: β m + (1 − β) x."""
    return decay * mean + (1 - decay) * value


def time_of(step: Array) -> Array:
    """The number of the update, from 1, in float64."""
    return (step + 1).astype(np.float64)


def power(base: float, exponent: Array) -> Array:
    """bˣ as arrays compute it: NumPy's `**` of scalars may differ from it in the last bit."""
    return np.power(base, exponent)


def next_moments(gradient: Array, slots: Slots, betas: Betas) -> Slots:
    """Running means of g and g², and the largest of the latter where it is kept."""
    first = running(slots["first_moment"], gradient, betas[0])
    second = running(slots["second_moment"], gradient * gradient, betas[1])
    moments = {"first_moment": first, "second_moment": second}
    if "largest_second_moment" in slots:
        moments["largest_second_moment"] = np.maximum(slots["largest_second_moment"], second)
    return moments


def adaptive_step(
    slots: Slots, parameter: Array, step: Array, rate: Array, betas: Betas, epsilon: float
) -> Array:
    """η · m̂ / (√v̂ + ε); the corrections of the bias are scalars, so one division is enough."""
    time = time_of(step)
    step_size = rate / (1 - power(betas[0], time))
    root_scale = 1 / np.sqrt(1 - power(betas[1], time))
    second = slots["largest_second_moment" if "largest_second_moment" in slots else "second_moment"]
    scale = np.sqrt(second) * like(root_scale, parameter) + epsilon
    return like(step_size, parameter) * slots["first_moment"] / scale


def decayed(move: Array, parameter: Array, rate: Array, weight_decay: Array) -> Array:
    """An update with decoupled weight decay: Δθ − η λ θ."""
    if is_zero(weight_decay):
        return move
    return move - like(rate * weight_decay, parameter) * parameter


def square_sum(array: Array) -> Array:
    """Σ x², summed in float32 at least."""
    wide = widened(array)
    return np.sum(wide * wide)


def norm(array: Array) -> Array:
    """‖x‖ = √(Σ x²) over all elements."""
    return np.sqrt(square_sum(array))
