"""Activations of straight pieces and of exponentials: their settings, against PyTorch."""

import numpy as np
import pytest

from gradiente import nn
from gradiente.base.errors import InvalidArgumentError
from gradiente.gradient.derivatives import grad

X = np.array([-1e4, -7.0, -2.0, -1.5, -1.0, -0.3, -0.0, 0.0, 0.2, 1.0, 1.5, 2.0, 7.0, 1e4])

SETTINGS = [
    (lambda x: nn.leaky_relu(x, 0.3), lambda f, x: f.leaky_relu(x, 0.3)),
    (lambda x: nn.elu(x, 1.7), lambda f, x: f.elu(x, 1.7)),
    (lambda x: nn.celu(x, 2.0), lambda f, x: f.celu(x, 2.0)),
    (lambda x: nn.celu(x, 0.25), lambda f, x: f.celu(x, 0.25)),
    (lambda x: nn.hard_tanh(x, -2.0, 1.5), lambda f, x: f.hardtanh(x, -2.0, 1.5)),
    (lambda x: nn.hard_shrink(x, 1.5), lambda f, x: f.hardshrink(x, 1.5)),
    (lambda x: nn.soft_shrink(x, 1.5), lambda f, x: f.softshrink(x, 1.5)),
    (lambda x: nn.soft_shrink(x, 0.0), lambda f, x: f.softshrink(x, 0.0)),
    (lambda x: nn.threshold(x, 1.0, -3.0), lambda f, x: f.threshold(x, 1.0, -3.0)),
    (lambda x: nn.softplus(x, 0.5), lambda f, x: f.softplus(x, 0.5, threshold=700)),
]


@pytest.mark.parametrize(("ours", "theirs"), SETTINGS)
def test_settings_against_torch(ours, theirs):
    torch = pytest.importorskip("torch")
    variable = torch.tensor(X, requires_grad=True)
    expected = theirs(torch.nn.functional, variable)
    expected.sum().backward()
    np.testing.assert_allclose(ours(X), expected.detach().numpy(), rtol=1e-12, atol=1e-15)
    gradient = grad(lambda x: np.sum(ours(x)))(X)
    np.testing.assert_allclose(gradient, variable.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_step_passes_the_gradient_straight_through():
    x = np.array([-3.0, 0.0, 2.0])
    np.testing.assert_array_equal(nn.step(x), [0, 0, 1])
    weights = np.array([5.0, -1.0, 0.5])
    np.testing.assert_array_equal(grad(lambda x: np.sum(nn.step(x) * weights))(x), weights)


def test_selu_keeps_mean_and_variance():
    """Through twenty layers with LeCun normal weights, as the paper proves."""
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 300))
    for _ in range(20):
        x = nn.selu(x @ random.normal(scale=300**-0.5, size=(300, 300)))
    assert abs(x.mean()) < 0.1
    assert abs(x.var() - 1) < 0.2


def test_wrong_settings():
    for wrong in (
        lambda: nn.celu(X, 0.0),
        lambda: nn.hard_tanh(X, 1.0, 1.0),
        lambda: nn.soft_shrink(X, -1.0),
        lambda: nn.softplus(X, 0.0),
        lambda: nn.squareplus(X, 0.0),
        lambda: nn.snake(X, 0.0),
    ):
        with pytest.raises(InvalidArgumentError):
            wrong()
