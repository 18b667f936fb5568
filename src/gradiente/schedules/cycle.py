"""Up to a large rate and down again: once, or again and again."""

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.curves import CURVES, through
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

        η(t) = b + (a − b) (1 + cos(π u)) / 2          from a to b, u from 0 to 1; or a + (b − a) u

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
    curve = CURVES[check_choice("anneal", anneal, ("cosine", "linear"))]

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
    return Schedule("one_cycle", lambda step: through(points, curve, step), options)


MODES = ("triangular", "triangular2", "exp_range")


@declare
def cyclic(
    learning_rate: float,
    lowest: float,
    up: int = 2000,
    down: int | None = None,
    mode: str = "triangular",
    factor: float = 1.0,
) -> Schedule:
    """Up to the peak η₀ in a line and down to the lowest rate η₁, again and again.

        η(t) = η₁ + (η₀ − η₁) s h          h = u / a while u ≤ a, else (n − u) / (n − a)

    u = t mod n, n = up + down steps, a up; down is up by default. s is 1 if the mode is
    "triangular"; with "triangular2" 1/2ᶜ in cycle c = 0, 1, …; with "exp_range" γᵗ, γ factor.
    PyTorch's CyclicLR; the momentum does not cycle. Raises `InvalidArgumentError` for arguments
    out of range.

    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.
    """
    peak = check_number("learning_rate", learning_rate, at_least=0)
    lowest = check_number("lowest", lowest, at_least=0, at_most=peak)
    up = check_count("up", up, at_least=1)
    down = up if down is None else check_count("down", down, at_least=1)
    mode = check_choice("mode", mode, MODES)
    factor = check_number("factor", factor, above=0)
    length = up + down

    def function(step: Array) -> Array:
        cycle = np.floor(step / length)
        place = step - length * cycle
        height = np.minimum(place / up, (length - place) / down)
        scale = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": factor**step}[mode]
        return lowest + (peak - lowest) * height * scale

    options = {"learning_rate": peak, "lowest": lowest, "up": up, "down": down, "mode": mode}
    return Schedule("cyclic", function, {**options, "factor": factor})
