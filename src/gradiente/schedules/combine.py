"""Schedules made of schedules: one after another, or multiplied."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count
from gradiente.base.errors import InvalidArgumentError
from gradiente.schedules.schedule import Array, Schedule

Function = Callable[[Array], Array]


def joined(schedules: Sequence[Function], boundaries: Sequence[int]) -> Schedule:
    """Schedules one after another, each beginning with its own step 0.

        η(t) = f_k(t − b_k)          b_k ≤ t < b_{k+1},   b_0 = 0

    schedules: also functions of the step; boundaries: where each but the first begins. PyTorch's
    SequentialLR, Optax's join_schedules. Raises `InvalidArgumentError` unless the boundaries rise
    and are one fewer than the schedules.
    """
    parts = _functions("joined", schedules)
    begins = [check_count("boundaries", boundary, at_least=1) for boundary in boundaries]
    if len(begins) != len(parts) - 1 or any(a >= b for a, b in pairwise(begins)):
        raise InvalidArgumentError(
            f"`boundaries` is {boundaries!r}: {len(parts)} schedules need {len(parts) - 1}, in "
            "rising order."
        )

    def function(step: Array) -> Array:
        rate = parts[0](step)
        for begin, part in zip(begins, parts[1:], strict=True):
            rate = np.where(step >= begin, part(np.maximum(step - begin, 0.0)), rate)
        return rate

    return Schedule("joined", function, {"schedules": parts, "boundaries": tuple(begins)})


def chained(schedules: Sequence[Function]) -> Schedule:
    """The product of schedules, which all count from the first step.          η(t) = Π f_k(t)

    One of them has the size of a rate; the others are factors that begin at 1, for example.
    PyTorch's ChainedScheduler of schedulers that multiply. Raises `InvalidArgumentError` for what
    is not a schedule or a function.
    """
    parts = _functions("chained", schedules)

    def function(step: Array) -> Array:
        rate = parts[0](step)
        for part in parts[1:]:
            rate = rate * part(step)
        return rate

    return Schedule("chained", function, {"schedules": parts})


def _functions(name: str, schedules: Any) -> tuple[Function, ...]:
    if isinstance(schedules, Sequence) and schedules and all(map(callable, schedules)):
        return tuple(schedules)
    raise InvalidArgumentError(
        f"`{name}` takes a list of schedules, or functions of the step, not {schedules!r}."
    )
