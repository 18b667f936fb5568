"""The line search ends where the conditions of Wolfe hold, or says that it cannot."""

import math

import numpy as np
import pytest

from gradiente.optimizers.line_search import CURVATURE, DECREASE, Point, strong_wolfe

FUNCTIONS = {
    "parabola": lambda t: ((t - 3) ** 2, 2 * (t - 3)),
    "far minimum": lambda t: ((t / 1e3 - 1) ** 2, 2 * (t / 1e3 - 1) / 1e3),
    "near minimum": lambda t: ((1e4 * t - 1) ** 2, 2e4 * (1e4 * t - 1)),
    "waves": lambda t: (np.sin(5 * t) - t / 2, 5 * np.cos(5 * t) - 0.5),
    "More and Thuente": lambda t: (-t / (t * t + 2), (t * t - 2) / (t * t + 2) ** 2),
    "edge": lambda t: (-np.log(1 - t) - 3 * t, 1 / (1 - t) - 3) if t < 1 else (np.inf, np.nan),
}
FUNCTIONS["waves"] = lambda t: (-np.sin(5 * t) - t / 2, -5 * np.cos(5 * t) - 0.5)


def line(function, seen=None):
    def at(step):
        if seen is not None:
            seen.append(step)
        value, slope = function(step)
        return Point(step, float(value), float(slope), step)

    return at


@pytest.mark.parametrize("step", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_conditions_hold(name, step):
    seen = []
    at = line(FUNCTIONS[name], seen)
    start = at(0.0)
    point = strong_wolfe(at, start, step)
    assert point.step > 0 and point.facts == point.step
    assert point.value <= start.value + DECREASE * point.step * start.slope
    assert abs(point.slope) <= CURVATURE * abs(start.slope)
    assert len(seen) <= 20


def test_a_good_first_step_is_taken_at_once():
    seen = []
    at = line(FUNCTIONS["parabola"], seen)
    start = at(0.0)
    assert strong_wolfe(at, start, 3.0).step == 3.0
    assert seen == [0.0, 3.0]


def test_a_line_without_a_lower_point():
    at = line(lambda t: (abs(t), -1.0 if t == 0 else 1.0))
    assert strong_wolfe(at, at(0.0), 1.0) is None


def test_a_line_without_an_end_gives_its_best_point():
    at = line(lambda t: (-t, -1.0))
    assert strong_wolfe(at, at(0.0), 1.0).value < -1e6


def test_a_line_of_numbers_that_are_not_finite():
    at = line(lambda t: (0.0, -1.0) if t == 0 else (math.nan, math.nan))
    assert strong_wolfe(at, at(0.0), 1.0) is None
