"""Cosines that begin anew: warm restarts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.combine import joined
from gradiente.schedules.decay import cosine
from gradiente.schedules.schedule import Array, Schedule, declare

# A restart must not be missed because the logarithm of its place is rounded down.
ROUNDING = 1e-10


@declare
def cosine_restarts(
    learning_rate: float,
    steps: int,
    length_factor: float = 1.0,
    peak_factor: float = 1.0,
    final: float = 0.0,
) -> Schedule:
    """Half a cosine down, again and again, in cycles that may get longer and lower.

        η(t) = η₁ + (η₀ − η₁) Mᶜ (1 + cos(π u)) / 2          u from 0 to 1 in cycle c = 0, 1, …

    Cycle c has n mᶜ steps: n steps, m length_factor, M peak_factor, η₁ final. PyTorch's
    CosineAnnealingWarmRestarts, with M = 1; Keras's CosineDecayRestarts, whose alpha is η₁ / η₀.
    Raises `InvalidArgumentError` unless n ≥ 1, m ≥ 1, M > 0.

    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    steps = check_count("steps", steps, at_least=1)
    grown = check_number("length_factor", length_factor, at_least=1)
    peak_factor = check_number("peak_factor", peak_factor, above=0)
    final = check_number("final", final, at_least=0)

    def function(step: Array) -> Array:
        time = step / steps
        if grown == 1.0:
            cycle = np.floor(time)
            fraction = time - cycle
        else:  # cycle c begins at n (mᶜ − 1) / (m − 1)
            cycle = np.floor(np.log1p(time * (grown - 1)) / math.log(grown) + ROUNDING)
            length = grown**cycle
            fraction = (time - (length - 1) / (grown - 1)) / length
        height = (learning_rate - final) * peak_factor**cycle
        return final + height * (1 + np.cos(math.pi * fraction)) / 2

    options = {"length_factor": grown, "peak_factor": peak_factor, "final": final}
    return Schedule(
        "cosine_restarts", function, {"learning_rate": learning_rate, "steps": steps, **options}
    )


@declare
def sgdr(
    learning_rate: float | Sequence[float],
    steps: Sequence[int],
    warmup_steps: int = 0,
    final: float = 0.0,
    start: float = 0.0,
) -> Schedule:
    """Cosines of given lengths and peaks one after another, each with a warm-up of its own.

        sgdr([0.1, 0.05], steps=[1000, 3000], warmup_steps=100)

        η(t) = cosine_k(t − t_k),   t_k ≤ t < t_{k+1}

    learning_rate: the peaks, or one for all cycles; steps: the length of each cycle, warm-up
    included; the other arguments are those of `cosine`. Optax's sgdr_schedule. Raises
    `InvalidArgumentError` for lists of different lengths and for what `cosine` refuses.

    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """
    lengths = _listed("steps", steps)
    alike = not isinstance(learning_rate, Sequence)
    peaks: list[Any]
    peaks = [learning_rate] * len(lengths) if alike else _listed("learning_rate", learning_rate)
    if len(peaks) != len(lengths):
        raise InvalidArgumentError(
            f"`learning_rate` has {len(peaks)} peaks for {len(lengths)} cycles in `steps`."
        )
    cycles = [
        cosine(peak, length, warmup_steps, final, start)
        for peak, length in zip(peaks, lengths, strict=True)
    ]
    ends = np.cumsum(lengths).tolist()
    options = {
        "learning_rate": float(peaks[0]) if alike else tuple(map(float, peaks)),
        "steps": tuple(map(int, lengths)),
        "warmup_steps": int(warmup_steps),
        "final": float(final),
        "start": float(start),
    }
    if len(cycles) == 1:
        return Schedule("sgdr", cycles[0].function, options)
    return Schedule("sgdr", joined(cycles, ends[:-1]).function, options)


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, Sequence) and not isinstance(values, str) and len(values):
        return list(values)
    raise InvalidArgumentError(f"`{name}` is {values!r}: it must be a list, one for each cycle.")
