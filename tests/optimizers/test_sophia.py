"""Sophia follows the equations of its paper, with the curvature it is given."""

import numpy as np
import pytest

from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers import SGD, Sophia, apply_updates, chain, clip_by_value, groups


def test_equals_the_paper():
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=6), random.normal(size=(9, 6))
    estimates = random.normal(size=(9, 6)) + 0.5
    optimizer = Sophia(0.1, betas=(0.8, 0.6), scale=0.5, weight_decay=0.2, every=3)
    point, state = {"w": start}, None
    theta, m, h = start, np.zeros(6), np.zeros(6)
    state = optimizer.init(point)
    for t, (g, estimate) in enumerate(zip(gradients, estimates, strict=True)):
        if t % optimizer.curvature.every == 0:
            h = 0.6 * h + 0.4 * estimate
            state = optimizer.observed({"w": estimate}, state)
        m = 0.8 * m + 0.2 * g
        ratio = np.clip(m / np.maximum(0.5 * h, 1e-12), -1, 1)
        theta = theta - 0.1 * 0.2 * theta - 0.1 * ratio
        updates, state = optimizer.update({"w": g}, state, point)
        point = apply_updates(point, updates)
        np.testing.assert_allclose(point["w"], theta, rtol=1e-12)


def test_estimates_that_are_not_finite_are_left_out():
    optimizer, point = Sophia(), {"w": np.zeros(3)}
    state = optimizer.observed({"w": np.array([np.nan, np.inf, 1.0])}, optimizer.init(point))
    np.testing.assert_allclose(state["slots"]["w"]["curvature"], [0, 0, 0.01])


def test_inside_a_chain():
    plain, inside = Sophia(), chain(clip_by_value(1.0), Sophia())
    point, estimate = {"w": np.ones(3)}, {"w": np.array([1.0, 2.0, 3.0])}
    states = [each.observed(estimate, each.init(point)) for each in (plain, inside)]
    expected = plain.update({"w": np.full(3, 0.5)}, states[0], point)[0]
    ours = inside.update({"w": np.full(3, 0.5)}, states[1], point)[0]
    np.testing.assert_array_equal(ours["w"], expected["w"])


def test_it_serves_no_group():
    with pytest.raises(InvalidArgumentError, match="cannot serve a group"):
        groups({"a": Sophia(), "*": SGD()})
