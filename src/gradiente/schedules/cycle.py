"""One cycle: up to a large rate and down to a tiny one."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.schedule import Array, Schedule, declare


@declare
def one_cycle(
    learning_rate: float,
    steps: int,
    warmup_fraction: float = 0.3,
    start_divisor: float = 25.0,
    final_divisor: float = 1e4,
    anneal: str = "cosine",
    three_phases: bool = False,
) -> Schedule:
    """A rise from η₀ / d to the peak η₀, then a fall to η₀ / (d D), along half cosines.

        a → b:   b + (a − b) (1 + cos(π u)) / 2          u from 0 to 1; or a + (b − a) u

    p warmup_fraction, n steps, d start_divisor, D final_divisor. The peak is at step p n − 1, the
    end at n − 1, and the rate stays there; with three_phases the rate is back at η₀ / d at step
    2 (p n − 1). Conventions and defaults are PyTorch's OneCycleLR, whose learning_rate is the
    peak, too; the momentum does not cycle. Raises `InvalidArgumentError` for arguments out of
    range.

    L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", arXiv:1708.07120, 2017.
    """
    peak = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    fraction = check_number("warmup_fraction", warmup_fraction, at_least=0, at_most=1)
    if three_phases and fraction > 0.5:
        raise InvalidArgumentError(
            f"`warmup_fraction` is {fraction}: with `three_phases` it must be at most 0.5."
        )
    start = peak / check_number("start_divisor", start_divisor, above=0)
    final = start / check_number("final_divisor", final_divisor, above=0)
    curve = CURVES[check_choice("anneal", anneal, tuple(CURVES))]

    top = (fraction * steps - 1, peak)
    back = [(2 * fraction * steps - 2, start)] if three_phases else []
    points = [(0.0, start), top, *back, (steps - 1.0, final)]
    options = {
        "learning_rate": peak,
        "steps": steps,
        "warmup_fraction": fraction,
        "start_divisor": float(start_divisor),
        "final_divisor": float(final_divisor),
        "anneal": anneal,
        "three_phases": bool(three_phases),
    }
    return Schedule("one_cycle", lambda step: _through(points, curve, step), options)


Curve = Callable[[float, float, Array], Array]

CURVES: dict[str, Curve] = {
    "cosine": lambda a, b, fraction: b + (a - b) * (1 + np.cos(math.pi * fraction)) / 2,
    "linear": lambda a, b, fraction: a + (b - a) * fraction,
}


def _through(points: Sequence[tuple[float, float]], curve: Curve, step: Array) -> Array:
    """The curve through the points (step, rate), and the last rate after them."""
    rate: Array = points[-1][1]
    for (begin, a), (end, b) in reversed(list(pairwise(points))):
        # With few steps the peak can lie at or before step 0; its phase is then empty.
        fraction = (step - begin) / (end - begin) if end > begin else 1.0
        rate = np.where(step <= end, curve(a, b, fraction), rate)
    return rate
