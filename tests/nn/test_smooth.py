"""Smooth activations where plain formulas lose all their digits, and their settings."""

import math

import numpy as np
import pytest

from gradiente import nn
from gradiente.backends.compile import compile

FAR = np.array([-5.0, -20.0, -100.0, -1e4, -1e6])


@pytest.mark.parametrize("run", [lambda f: f, compile], ids=["called", "compiled"])
def test_tails_keep_their_digits(run):
    # (x + √(x² + 4)) / 2 = 2 / (√(x² + 4) - x), which does not cancel.
    expected = 2 / (np.sqrt(FAR**2 + 4) - FAR)
    np.testing.assert_allclose(run(nn.squareplus)(FAR), expected, rtol=1e-13)
    near = FAR[:3]
    np.testing.assert_allclose(
        run(nn.log_sigmoid)(-near), [-math.log1p(math.exp(x)) for x in near], rtol=1e-12
    )
    np.testing.assert_array_equal(run(nn.log_sigmoid)(FAR[3:]), FAR[3:])
    inner = math.sqrt(2 / math.pi) * (near[0] + 0.044715 * near[0] ** 3)
    np.testing.assert_allclose(
        run(nn.gelu_tanh)(near[:1]), near[:1] / (1 + math.exp(-2 * inner)), rtol=1e-12
    )


def test_settings():
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(nn.softplus(x, 2.0), np.log1p(np.exp(2 * x)) / 2)
    np.testing.assert_allclose(nn.squareplus(x, 1.0), (x + np.sqrt(x * x + 1)) / 2)
    np.testing.assert_allclose(nn.sin(x, 30.0), np.sin(30 * x))
    np.testing.assert_allclose(nn.snake(x, 5.0), x + np.sin(5 * x) ** 2 / 5)


def test_sparse_sigmoid_is_the_derivative_of_sparse_plus():
    x, step = np.linspace(-2.03, 2.03, 29), 1e-6
    slope = (nn.sparse_plus(x + step) - nn.sparse_plus(x - step)) / (2 * step)
    np.testing.assert_allclose(nn.sparse_sigmoid(x), slope, atol=1e-8)


def test_swish_and_hard_swish_are_other_names():
    assert nn.swish is nn.silu and nn.hard_swish is nn.hard_silu
