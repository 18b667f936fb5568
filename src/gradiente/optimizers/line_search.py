"""A line search that ends where the strong conditions of Wolfe hold."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DECREASE = 1e-4  # of what the slope at the start promises, at least this part is kept
CURVATURE = 0.9  # the slope is at most this part of the slope at the start
EVALUATIONS = 25
LONGER = 10.0  # how much longer than the last one a step may become at once
MARGIN = 0.1  # of an interval, at both ends, in which no step is tried


@dataclass(frozen=True)
class Point:
    """A point of the line: its step, the value and the slope there, and what else is known."""

    step: float
    value: float
    slope: float
    facts: Any = None

    @property
    def is_finite(self) -> bool:
        """Whether value and slope are numbers to reckon with."""
        return math.isfinite(self.value) and math.isfinite(self.slope)


def strong_wolfe(
    at: Callable[[float], Point], start: Point, step: float, slack: float = 0.0
) -> Point | None:
    """The first point found on the line where both conditions hold, with φ' < 0 at the start:

        φ(t) ≤ φ(0) + c₁ t φ'(0)          |φ'(t)| ≤ c₂ |φ'(0)|

    The best point with the first condition if there is none within the evaluations allowed, and
    `None` if there is not even that. step: the first to be tried; slack: a rise of the value that
    is rounding. Values that are not finite count as too high.

    J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
    """
    previous = start
    for evaluation in range(EVALUATIONS):
        point = at(step)
        rises = previous is not start and point.value >= previous.value
        if rises or not _is_lower(point, start, slack):
            return _zoom(at, start, previous, point, slack, EVALUATIONS - evaluation)
        if _is_flat(point, start):
            return point
        if point.slope >= 0:
            return _zoom(at, start, point, previous, slack, EVALUATIONS - evaluation)
        lowest, highest = step + MARGIN * (step - previous.step), LONGER * step
        wanted = _minimum(previous, point)
        step = highest if wanted is None else min(max(wanted, lowest), highest)
        previous = point
    return previous


def _is_lower(point: Point, start: Point, slack: float) -> bool:
    promised = DECREASE * point.step * start.slope
    return point.is_finite and point.value <= start.value + promised + slack


def _is_flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    low: Point,
    high: Point,
    slack: float,
    evaluations: int,
) -> Point | None:
    """A point between `low`, the lowest so far, and `high`, with a minimum between them."""
    for _ in range(evaluations):
        middle, width = (low.step + high.step) / 2, abs(high.step - low.step)
        if width <= 1e-12 * max(low.step, high.step):
            break
        wanted = _minimum(low, high) if high.is_finite else None
        inside = width * (0.5 - MARGIN)
        step = middle if wanted is None else min(max(wanted, middle - inside), middle + inside)
        point = at(step)
        if not _is_lower(point, start, slack) or point.value >= low.value + slack:
            high = point
            continue
        if _is_flat(point, start):
            return point
        if point.slope * (high.step - low.step) >= 0:
            high = low
        low = point
    return None if low is start else low


def _minimum(a: Point, b: Point) -> float | None:
    """Where the cubic with the values and slopes of two points is lowest; `None` if nowhere."""
    if a.step > b.step:
        a, b = b, a
    first = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    square = first * first - a.slope * b.slope
    if not square >= 0:
        return None
    second = math.sqrt(square)
    bottom = b.slope - a.slope + 2 * second
    if bottom == 0:
        return None
    return b.step - (b.step - a.step) * (b.slope + second - first) / bottom
