"""Losses where numbers are extreme: values and gradients stay finite, and small losses are kept."""

import numpy as np
import pytest

from gradiente import losses
from gradiente.gradient.derivatives import grad, value_and_grad
from tests.losses.examples import EXAMPLES, example

# Where the loss itself is an exponential of the prediction, or divides by it.
EXPONENTIAL = {
    *("poisson", "gamma", "tweedie", "linex", "zero_inflated_poisson"),
    *("generalized_kl_divergence", "mixture_density", "negative_binomial"),
}


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e4])
@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - EXPONENTIAL))
def test_predictions_of_any_size_give_finite_losses_and_gradients(name, size):
    prediction, target = example(name)
    value, gradient = value_and_grad(losses.LOSSES[name])(
        (size * prediction).astype(np.float32), target, **EXAMPLES[name].default
    )
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("name", sorted(EXPONENTIAL))
def test_exponentials_are_finite_where_they_can_be(name):
    prediction, target = example(name)
    for size in (0.0, 1e-30, 10.0):
        value, gradient = value_and_grad(losses.LOSSES[name])(
            (size * prediction).astype(np.float32), target
        )
        assert np.isfinite(value)
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_losses_are_kept(dtype):
    tiny = np.full(3, 1e-4, dtype)
    zero = np.zeros(3, dtype)
    np.testing.assert_allclose(losses.log_cosh(tiny, zero), 5e-9, rtol=1e-6)
    sure, one = np.full(3, 20.0, dtype), np.ones(3, dtype)
    expected = np.log1p(np.exp(-20.0))
    np.testing.assert_allclose(losses.soft_margin(sure, one), expected, rtol=1e-6)
    focal = losses.binary_focal_cross_entropy(sure, one, gamma=1.0)
    np.testing.assert_allclose(focal, expected * np.exp(-20.0), rtol=1e-5)


def test_log_cosh_of_huge_errors_has_the_gradient_of_the_absolute_error():
    value, gradient = value_and_grad(losses.log_cosh)(np.array([1e30, -1e30]), np.zeros(2))
    assert value == pytest.approx(1e30)
    np.testing.assert_array_equal(gradient, [0.5, -0.5])


def test_equal_vectors_and_vectors_of_length_zero_have_gradients():
    same, zero = np.ones((4, 3)), np.zeros((4, 3))
    np.testing.assert_allclose(grad(losses.cosine_distance)(same, same), 0, atol=1e-15)
    np.testing.assert_array_equal(grad(losses.cosine_distance)(zero, zero), 0)
    three = np.stack([same, same, same], axis=1)
    assert losses.triplet_margin(three) == pytest.approx(1.0)
    assert np.all(np.isfinite(grad(losses.triplet_margin)(three)))


def test_negative_binomial_of_huge_counts_in_float32():
    log_mean = np.full(2, np.log(1e6), np.float32)
    counts = np.full(2, 1e6, np.float32)
    wide = [x.astype(float) for x in (log_mean, counts)]
    for dispersion in (1e-6, 1.0):
        ours = losses.negative_binomial(log_mean, counts, dispersion=dispersion, full=True)
        expected = losses.negative_binomial(*wide, dispersion=dispersion, full=True)
        assert ours == pytest.approx(expected, abs=3.0)  # of terms of 1e7
