"""Warm-up: a linear rise to a rate, or to any other schedule."""

from collections.abc import Callable

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.schedules.schedule import Array, Schedule, declare


@declare
def warmup(
    learning_rate: float | Callable[[Array], Array], steps: int, start: float = 0.0
) -> Schedule:
    """A linear rise to a rate or schedule f, which then begins.

        η(t) = η_s + (f(0) − η_s) t / w          while t < w
        η(t) = f(t − w)                          after

    w steps, η_s start. PyTorch's SequentialLR of a LinearLR and another. Raises
    `InvalidArgumentError` unless w ≥ 1.

    P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour",
    arXiv:1706.02677, 2017.
    """
    steps = check_count("steps", steps, at_least=1)
    start = check_number("start", start, at_least=0)
    if callable(learning_rate):
        function = risen(learning_rate, float(learning_rate(0)), steps, start)
    else:
        peak = check_number("learning_rate", learning_rate, at_least=0)
        function = risen(lambda step: peak, peak, steps, start)
    options = {"learning_rate": learning_rate, "steps": steps, "start": start}
    return Schedule("warmup", function, options)


def risen(
    following: Callable[[Array], Array], peak: float, steps: int, start: float
) -> Callable[[Array], Array]:
    """A line from `start` to `peak`, then `following`, which counts its steps from there."""

    def function(step: Array) -> Array:
        line = start + (peak - start) * step / steps
        return np.where(step < steps, line, following(np.maximum(step - steps, 0.0)))

    return function
