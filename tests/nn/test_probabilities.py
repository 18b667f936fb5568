"""Sparsemax and 1.5-entmax: sums, zeros, closed-form gradients, ties, large numbers."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.gradient.derivatives import jacobian

RANDOM = np.random.default_rng(4)
sparse = pytest.mark.parametrize("activation", [nn.sparsemax, nn.entmax15])


@sparse
@pytest.mark.parametrize("width", [1, 2, 7, 100])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_sum_to_one(activation, width, scale, dtype):
    y = activation((RANDOM.normal(size=(20, width)) * scale).astype(dtype))
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=2e-5 if dtype == np.float32 else 1e-12)


def test_known_values():
    np.testing.assert_allclose(nn.sparsemax(np.array([1.0, 0.8, 0.1])), [0.6, 0.4, 0.0])
    np.testing.assert_allclose(nn.sparsemax(np.array([3.0, 1.0, 0.0])), [1, 0, 0])
    np.testing.assert_allclose(nn.entmax15(np.array([2.0, 0.0, -1.0])), [1, 0, 0], atol=1e-15)
    # τ = -1/√2 gives ½ to each of two.
    np.testing.assert_allclose(nn.entmax15(np.array([5.0, 5.0, -9.0])), [0.5, 0.5, 0])
    for activation in (nn.sparsemax, nn.entmax15):
        np.testing.assert_allclose(activation(np.full(8, 3.0)), np.full(8, 1 / 8))
        np.testing.assert_array_equal(activation(np.array([-1e30, 1e30, 0.0])), [0, 1, 0])


@sparse
def test_they_grow_sparser_with_the_scale(activation):
    x = RANDOM.normal(size=(10, 30))
    zeros = [(activation(x * scale) == 0).sum() for scale in (0.01, 1.0, 3.0, 100.0)]
    assert zeros == sorted(zeros)
    assert zeros[0] == 0 and zeros[-1] > 270


def test_the_gradient_of_sparsemax_is_the_closed_form():
    """diag(s) - s sᵀ / |s|, where s is 1 on the support. Martins & Astudillo."""
    x = RANDOM.normal(size=9)
    s = (nn.sparsemax(x) > 0).astype(float)
    assert 1 < s.sum() < 9
    expected = np.diag(s) - np.outer(s, s) / s.sum()
    np.testing.assert_allclose(jacobian(nn.sparsemax)(x), expected, atol=1e-14)


def test_the_gradient_of_entmax_is_the_closed_form():
    """diag(s) - s sᵀ / Σ s, where s is the root of the probabilities. Peters et al."""
    x = RANDOM.normal(size=9) * 1.5
    s = np.sqrt(nn.entmax15(x))
    assert 1 < (s > 0).sum() < 9
    expected = np.diag(s) - np.outer(s, s) / s.sum()
    np.testing.assert_allclose(jacobian(nn.entmax15)(x), expected, atol=1e-12)


@sparse
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_ties_at_the_threshold_and_among_all(activation, backend):
    at_threshold = 1.0 if activation is nn.sparsemax else 2.0
    x = np.array([[at_threshold, 0.0, 0.0], [2.0, 2.0, 2.0], [0.5, 0.5, -7.0]])
    y, gradient = gd.compile(
        gd.value_and_grad(lambda x: np.sum(activation(x) * [1.0, 2.0, 4.0])), backend
    )(x)
    np.testing.assert_allclose(y, np.sum(activation(x) * [1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(gradient[0], 0)  # 0 at the threshold is no part of the support
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=1e-14)


def test_softmin_and_log_softmax():
    x = RANDOM.normal(size=(3, 5))
    np.testing.assert_allclose(nn.softmin(x), nn.softmax(-x))
    np.testing.assert_allclose(np.exp(nn.log_softmax(x, axis=0)), nn.softmax(x, axis=0))
    np.testing.assert_array_equal(nn.log_softmax(np.array([0.0, 1e4])), [-1e4, 0])
