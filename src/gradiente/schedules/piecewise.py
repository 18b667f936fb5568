"""Schedules given by the steps at which something changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.curves import CURVES, through
from gradiente.schedules.schedule import Array, Schedule, declare


@declare
def multi_step(learning_rate: float, at: Sequence[int], factor: float = 0.1) -> Schedule:
    """A multiplication at each of the given steps.          η(t) = η₀ γᵏ

    k the number of entries of `at` that are t or less, γ factor. PyTorch's MultiStepLR. Raises
    `InvalidArgumentError` unless the steps are positive and γ ≥ 0.

    Source: none.
    """
    learning_rate = check_number("learning_rate", learning_rate, at_least=0)
    at = tuple(sorted(check_count("at", step, at_least=1) for step in _several("at", at)))
    factor = check_number("factor", factor, at_least=0)

    def function(step: Array) -> Array:
        passed = sum(((step >= each).astype(np.float64) for each in at), np.zeros_like(step))
        return learning_rate * factor**passed

    return Schedule(
        "multi_step", function, {"learning_rate": learning_rate, "at": at, "factor": factor}
    )


@declare
def piecewise_constant(learning_rate: float, changes: Mapping[int, float]) -> Schedule:
    """A constant rate that takes another value at each of the given steps.

        piecewise_constant(0.1, {1000: 0.01, 2000: 0.001})          η(t) = η_k,   t_k ≤ t < t_{k+1}

    Keras's PiecewiseConstantDecay, which changes one step later; Optax's has factors for rates.
    PyTorch's ConstantLR is one with a single change. Raises `InvalidArgumentError` for rates
    below 0 and steps below 1.

    Source: none.
    """
    points = _points(learning_rate, changes)

    def function(step: Array) -> Array:
        rate = np.full_like(step, points[0][1])
        for begin, value in points[1:]:
            rate = np.where(step >= begin, value, rate)
        return rate

    return Schedule("piecewise_constant", function, _options(points))


@declare
def piecewise_interpolate(
    learning_rate: float, changes: Mapping[int, float], curve: str = "linear"
) -> Schedule:
    """From rate to rate, each reached at its step, along lines or half cosines.

        piecewise_interpolate(0.01, {300: 0.1, 1000: 0.0})

        η(t) = η_k + (η_{k+1} − η_k) (t − t_k) / (t_{k+1} − t_k),   t_k ≤ t < t_{k+1}

    The rate stays at the last one. Optax's piecewise_interpolate_schedule with rates for factors;
    its one-cycle schedules are of this kind. Raises `InvalidArgumentError` for rates below 0,
    steps below 1, and curves other than "linear" and "cosine".

    Source: none.
    """
    points = _points(learning_rate, changes)
    check_choice("curve", curve, ("linear", "cosine"))

    def function(step: Array) -> Array:
        return through(points, CURVES[curve], step)

    return Schedule("piecewise_interpolate", function, {**_options(points), "curve": curve})


Points = list[tuple[int, float]]


def _points(learning_rate: float, changes: Any) -> Points:
    """(step, rate) in order, from step 0 on."""
    if not isinstance(changes, Mapping):
        raise InvalidArgumentError(
            f"`changes` is {changes!r}: it must be a dict of rates by step, such as {{1000: 0.01}}."
        )
    first = check_number("learning_rate", learning_rate, at_least=0)
    later = [
        (
            check_count("changes", step, at_least=1),
            check_number(f"changes[{step}]", rate, at_least=0),
        )
        for step, rate in changes.items()
    ]
    return [(0, first), *sorted(later)]


def _options(points: Points) -> dict[str, Any]:
    return {"learning_rate": points[0][1], "changes": dict(points[1:])}


def _several(name: str, values: Any) -> Sequence[Any]:
    if isinstance(values, Sequence) and not isinstance(values, str):
        return values
    raise InvalidArgumentError(f"`{name}` is {values!r}: it must be a list of steps.")
