"""Schedules with a long constant part: warm-up-stable-decay, and that of averaged weights."""

from collections.abc import Callable

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.curves import CURVES, through
from gradiente.schedules.schedule import Array, Schedule, declare


@declare
def warmup_stable_decay(
    learning_rate: float,
    steps: int,
    warmup_steps: int,
    decay_steps: int,
    final: float = 0.0,
    curve: str = "linear",
) -> Schedule:
    """A linear rise, a long constant part, and a fall at the end.

        η(t) = η₀ t / w          t < w
        η(t) = η₀                w ≤ t ≤ n − d
        η(t) from η₀ to η₁ along the curve in the last d steps, and η₁ after

    n steps, w warmup_steps, d decay_steps, η₁ final. curve: "linear", "cosine", or "square_root",
    η₀ + (η₁ − η₀) √u, which falls steeply first. Raises `InvalidArgumentError` unless w + d ≤ n.

    S. Hu et al., "MiniCPM", arXiv:2404.06395, 2024; A. Hägele et al., "Scaling laws and
    compute-optimal training beyond fixed training durations", NeurIPS 2024.
    """
    peak = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    warmup_steps = check_count("warmup_steps", warmup_steps)
    decay_steps = check_count("decay_steps", decay_steps)
    final = check_number("final", final, at_least=0)
    check_choice("curve", curve, tuple(CURVES))
    if warmup_steps + decay_steps > steps:
        raise InvalidArgumentError(
            f"`warmup_steps` and `decay_steps` are {warmup_steps} and {decay_steps}: together they "
            f"must be at most `steps`, {steps}."
        )
    falling = [(steps - decay_steps, peak), (steps, final)]

    def function(step: Array) -> Array:
        rise = np.minimum(step / warmup_steps, 1.0) if warmup_steps else 1.0
        return rise * through(falling, CURVES[curve], step)

    options = {"warmup_steps": warmup_steps, "decay_steps": decay_steps, "final": final}
    return Schedule(
        "warmup_stable_decay",
        function,
        {"learning_rate": peak, "steps": steps, **options, "curve": curve},
    )


@declare
def swa_constant(
    learning_rate: float | Callable[[Array], Array],
    start: int,
    final: float,
    anneal_steps: int = 10,
    curve: str = "cosine",
) -> Schedule:
    """A rate or schedule f, then the constant rate at which weights are averaged.

        η(t) = f(t)                                      t < s
        η(t) from f(s) to η₁ along the curve             s ≤ t < s + a
        η(t) = η₁                                        after

    s start, η₁ final, a anneal_steps; curve: "cosine" or "linear". PyTorch's SWALR. Raises
    `InvalidArgumentError` for arguments out of range.

    P. Izmailov et al., "Averaging weights leads to wider optima and better generalization",
    UAI 2018.
    """
    start = check_count("start", start)
    final = check_number("final", final, at_least=0)
    anneal_steps = check_count("anneal_steps", anneal_steps)
    check_choice("curve", curve, ("cosine", "linear"))
    if callable(learning_rate):
        before, begin = learning_rate, float(learning_rate(start))
    else:
        begin = learning_rate = check_number("learning_rate", learning_rate, at_least=0)
        before = _always(begin)
    points = [(start, begin), (start + anneal_steps, final)]

    def function(step: Array) -> Array:
        return np.where(step < start, before(step), through(points, CURVES[curve], step))

    options = {"start": start, "final": final, "anneal_steps": anneal_steps, "curve": curve}
    return Schedule("swa_constant", function, {"learning_rate": learning_rate, **options})


def _always(rate: float) -> Callable[[Array], Array]:
    return lambda step: np.full_like(step, rate)
