"""FTRL equals the equations of its paper, and Adagrad where nothing is regularized."""

import numpy as np

from gradiente import optimizers
from gradiente.optimizers import FTRL, Adagrad, apply_updates


def points(optimizer, start, gradients):
    parameters = {"w": start}
    state = optimizer.init(parameters)
    path = []
    for gradient in gradients:
        updates, state = optimizer.update({"w": gradient}, state, parameters)
        parameters = apply_updates(parameters, updates)
        path.append(parameters["w"])
    return np.array(path)


def by_the_paper(gradients, rate, l1, l2, beta, start):
    """Algorithm 1 of McMahan et al., with the constants as Keras places them."""
    w, z, n = np.zeros(5), np.zeros(5), np.full(5, start)
    path = []
    for g in gradients:
        sigma = (np.sqrt(n + g * g) - np.sqrt(n)) / rate
        z, n = z + g - sigma * w, n + g * g
        slope = (beta + np.sqrt(n)) / rate + 2 * l2
        w = np.where(np.abs(z) <= l1, 0.0, -(z - np.sign(z) * l1) / slope)
        path.append(w)
    return np.array(path)


def test_equals_the_paper():
    gradients = np.random.default_rng(0).normal(size=(30, 5))
    expected = by_the_paper(gradients, 0.3, 1.0, 0.2, 0.5, 0.1)
    optimizer = FTRL(0.3, l1=1.0, l2=0.2, beta=0.5)
    ours = points(optimizer, np.zeros(5), gradients)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)
    assert 0 < np.mean(ours == 0) < 1  # some weights are exactly zero, but not all


def test_without_regularization_it_is_adagrad_from_any_start():
    random = np.random.default_rng(1)
    start, gradients = random.normal(size=5), random.normal(size=(30, 5))
    adagrad = Adagrad(0.1, initial_accumulator_value=0.1, epsilon=0)
    ours, expected = points(FTRL(0.1), start, gradients), points(adagrad, start, gradients)
    np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-13)


def test_a_schedule_does_not_shrink_the_weights():
    start = np.ones(3)
    ours = points(FTRL(lambda step: 0.1 * 0.5**step), start, np.zeros((10, 3)))
    np.testing.assert_allclose(ours, 1.0, rtol=1e-13)


def test_nothing_changes_at_a_rate_of_zero():
    warm = optimizers.FTRL(lambda step: 0.1 * step)
    random = np.random.default_rng(2)
    start, gradients = random.normal(size=3), random.normal(size=(4, 3))
    path = points(warm, start, gradients)
    np.testing.assert_array_equal(path[0], start)
    assert np.all(np.isfinite(path)) and np.all(path[1] != start)
